import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { EXIT_CODES } from "../launch/launch-contract.ts";
import { startStdioBridge } from "./bridge.ts";
import { prepareOwnHost, untilReady } from "./own-host.ts";

export interface StdioOptions {
	/** The MCP endpoint of a host that runs; undefined: start one for this client, and stop it with the client. */
	readonly url: URL | undefined;
	readonly token: string | undefined;
	/** Runs a host under these variables until `until` aborts. @returns its exit code */
	readonly runHost: (env: Readonly<Record<string, string>>, until: AbortSignal) => Promise<number>;
}

/**
 * `bulkhead stdio`: MCP on standard input and output, and nothing else on standard output, until the client closes standard
 * input.
 *
 * @returns the exit code
 * @throws {BulkheadError} CONFIG_INVALID
 */
export async function runStdio({ url, token, runHost }: StdioOptions): Promise<number> {
	if (url !== undefined) {
		const bridge = openBridge(url, token);
		for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => void bridge.close());
		await bridge.ended;
		return EXIT_CODES.stopped;
	}
	using own = await prepareOwnHost();
	const stop = new AbortController();
	const host = runHost(own.env, stop.signal);
	const bridge = openBridge(new URL(`${own.url}/mcp`), token, () => untilReady(own.url, stop.signal));
	const early = await Promise.race([host, bridge.ended.then(() => undefined)]);
	stop.abort();
	await bridge.close();
	return early ?? (await host);
}

function openBridge(url: URL, token: string | undefined, ready?: () => Promise<void>) {
	return startStdioBridge({
		client: new StdioServerTransport(),
		url,
		token,
		...(ready !== undefined && { ready }),
		onProblem: (problem) => void process.stderr.write(`bulkhead: ${problem}\n`),
	});
}
