import { homedir } from "node:os";
import path from "node:path";

/** Where a client keeps its MCP servers. */
export interface ClientConfiguration {
	readonly file: string;
	readonly format: "json" | "toml";
	/** The key that holds the servers by name. */
	readonly section: string;
}

export const CLIENTS = {
	"claude-code": () => json(path.resolve(".mcp.json"), "mcpServers"),
	"claude-desktop": () => json(path.join(desktopFolder(), "Claude", "claude_desktop_config.json"), "mcpServers"),
	cursor: () => json(path.join(homedir(), ".cursor", "mcp.json"), "mcpServers"),
	vscode: () => json(path.resolve(".vscode", "mcp.json"), "servers"),
	codex: () => ({ file: path.join(homedir(), ".codex", "config.toml"), format: "toml", section: "mcp_servers" }),
} as const satisfies Record<string, () => ClientConfiguration>;

export type ClientName = keyof typeof CLIENTS;

export interface Connection {
	/** The MCP endpoint. */
	readonly url: string;
	readonly token: string | undefined;
	/** Absolute path of the script that runs `bulkhead`. */
	readonly main: string;
}

/** The entry of one server, as each client wants it. A token stands in a file only where the client knows no other way. */
export function entryFor(client: ClientName, { url, token, main }: Connection): Readonly<Record<string, unknown>> {
	const headers = (reference: string) =>
		token === undefined ? {} : { headers: { Authorization: `Bearer ${reference}` } };
	switch (client) {
		case "claude-code":
			return { type: "http", url, ...headers("${BULKHEAD_TOKEN}") };
		case "claude-desktop":
			// It starts servers as commands alone, and has no PATH of a shell to find them by.
			return {
				command: process.execPath,
				args: [main, "stdio", "--url", url],
				...(token !== undefined && { env: { BULKHEAD_TOKEN: token } }),
			};
		case "cursor":
			return { url, ...headers("${env:BULKHEAD_TOKEN}") };
		case "vscode":
			return { type: "http", url, ...headers("${env:BULKHEAD_TOKEN}") };
		case "codex":
			return { url, ...(token !== undefined && { bearer_token_env_var: "BULKHEAD_TOKEN" }) };
	}
}

function json(file: string, section: string): ClientConfiguration {
	return { file, format: "json", section };
}

function desktopFolder(): string {
	if (process.platform === "darwin") return path.join(homedir(), "Library", "Application Support");
	return path.join(homedir(), process.platform === "win32" ? path.join("AppData", "Roaming") : ".config");
}
