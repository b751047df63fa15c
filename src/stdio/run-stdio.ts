import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { freePort } from "./free-port.ts";
import { EXIT_CODES } from "../launch/launch-contract.ts";
import { startStdioBridge } from "./bridge.ts";

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
 */
export async function runStdio({ url, token, runHost }: StdioOptions): Promise<number> {
	if (url !== undefined) {
		const bridge = openBridge(url, token);
		for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => void bridge.close());
		await bridge.ended;
		return EXIT_CODES.stopped;
	}
	// Also after its supervisor has started it again: with 0 the host would get another one each time.
	const port = await freePort();
	// A host's state is its own: another one may be running from the same folder.
	const stateDir = mkdtempSync(path.join(tmpdir(), "bulkhead-stdio-"));
	const stop = new AbortController();
	try {
		const env = { PORT: String(port), HOST: LOOPBACK, ALLOWED_HOSTS: LOOPBACK, STATE_DIR: stateDir };
		const host = runHost(env, stop.signal);
		const address = `http://${LOOPBACK}:${port}`;
		const bridge = openBridge(new URL(`${address}/mcp`), token, () => untilReady(address, stop.signal));
		const early = await Promise.race([host, bridge.ended.then(() => undefined)]);
		stop.abort();
		await bridge.close();
		return early ?? (await host);
	} finally {
		rmSync(stateDir, { recursive: true, force: true });
	}
}

const LOOPBACK = "127.0.0.1";
const POLL_MS = 25;

function openBridge(url: URL, token: string | undefined, ready?: () => Promise<void>) {
	return startStdioBridge({
		client: new StdioServerTransport(),
		url,
		token,
		...(ready !== undefined && { ready }),
		onProblem: (problem) => void process.stderr.write(`bulkhead: ${problem}\n`),
	});
}

/** Resolves when every module has started once or has failed to; never, when the host does not come so far. */
async function untilReady(address: string, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		const ready = await fetch(`${address}/readyz`, { signal }).then(
			({ ok }) => ok,
			() => false,
		);
		if (ready) return;
		await delay(POLL_MS);
	}
}
