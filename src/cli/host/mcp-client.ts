import packageJson from "bulkhead-host/package.json" with { type: "json" };
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { messageOf } from "../../core/errors.ts";
import { CommandFailure } from "./failure.ts";
import { reasonOf } from "./host-api.ts";
import type { HostAddress } from "./host-options.ts";

/** Does something as an MCP client of a host. @throws {CommandFailure} */
export async function withMcpClient<T>({ url, token }: HostAddress, use: (client: Client) => Promise<T>): Promise<T> {
	const client = new Client(
		{ name: "bulkhead-cli", version: packageJson.version },
		{ versionNegotiation: { mode: "auto" } },
	);
	const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
		...(token !== undefined && { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
	});
	try {
		await client.connect(transport);
	} catch (error) {
		const hint = "start one with `bulkhead`, or say which with --url or BULKHEAD_URL";
		throw new CommandFailure(`no MCP host answers at ${url}/mcp (${reasonOf(error)}): ${hint}`, 1, { cause: error });
	}
	try {
		return await use(client);
	} catch (error) {
		throw new CommandFailure(messageOf(error), 1, { cause: error });
	} finally {
		await client.close();
	}
}
