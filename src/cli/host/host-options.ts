import type { Command } from "commander";
import { describeProblems, type Environment, loadConfig, readLaunch } from "../../config/config.ts";
import { isLoopback } from "../../config/host-header.ts";
import { wrongUsage } from "./failure.ts";

/** Which host a command is for, and who asks. */
export interface HostAddress {
	/** Without a slash at its end. */
	readonly url: string;
	/** Sent as `Authorization: Bearer …`. */
	readonly token: string | undefined;
}

/** Whether a host was named, by `--url` or `BULKHEAD_URL`; undefined: none was. */
export function namedHost(command: Command): HostAddress | undefined {
	const { url, token } = command.optsWithGlobals<{ url?: string; token?: string }>();
	const { env } = readLaunch();
	const text = url ?? nonEmpty(env["BULKHEAD_URL"]);
	return text === undefined ? undefined : { url: readUrl(text), token: token ?? tokenOf(env) };
}

/** The host that was named, else the one that `.env` and the environment would start here. */
export function hostOf(command: Command): HostAddress {
	const named = namedHost(command);
	if (named !== undefined) return named;
	const { token } = command.optsWithGlobals<{ token?: string }>();
	const { env, startDir } = readLaunch();
	const loaded = loadConfig(env, startDir);
	if (!loaded.ok) throw wrongUsage(`${describeProblems(loaded.problems)}\nOr say which host is meant, with --url`);
	const { host, port } = loaded.config;
	if (port === 0) throw wrongUsage("PORT=0 says nothing of where the host is: say it with --url or BULKHEAD_URL");
	// What listens on all addresses is reached on the loopback one; what listens on another is reached there alone.
	const name = host === "0.0.0.0" || host === "::" || isLoopback(host) ? loopbackOf(host) : host;
	return { url: `http://${name.includes(":") ? `[${name}]` : name}:${port}`, token: token ?? tokenOf(env) };
}

export function tokenOf(env: Environment): string | undefined {
	return nonEmpty(env["BULKHEAD_TOKEN"]);
}

function loopbackOf(host: string): string {
	return host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
}

function nonEmpty(text: string | undefined): string | undefined {
	return text === undefined || text.trim() === "" ? undefined : text.trim();
}

/** The MCP endpoint, which clients are given, stands for its host. */
function readUrl(text: string): string {
	const url = URL.parse(text);
	if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
		throw wrongUsage(`${text} is not the http:// or https:// address of a host, as http://127.0.0.1:8000`);
	if (url.username !== "" || url.password !== "")
		throw wrongUsage("an address has no user name or password in it: give a token with --token or BULKHEAD_TOKEN");
	return (url.origin + url.pathname).replace(/\/+$/, "").replace(/\/mcp$/, "");
}
