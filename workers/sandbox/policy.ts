import type { NetworkGrants } from "../network/network-rule.ts";
import { type Names, namesOf, slice, startsWith } from "../primordials/primordials.ts";

/** How tightly a worker is locked; the variable `SANDBOX`. */
export type SandboxLevel = "off" | "standard" | "strict";

/** What the operator has granted to a module, as it crosses the wire to the module's worker. */
export interface SandboxDto {
	readonly level: SandboxLevel;
	/** All of it, none, or where connections may lead to: see `Destination`. */
	readonly net: boolean | readonly string[];
	readonly childProcess: boolean;
	/** Absolute paths that the operator has opened for reading, whatever links lie below. */
	readonly granted?: readonly string[];
	/** Absolute paths of unix sockets, compared to the letter. */
	readonly unix?: readonly string[];
	/** What `node:sqlite` may open, which asks no permission model; without it the built-in is closed. Real paths. */
	readonly databases?: { readonly read: readonly string[]; readonly write: readonly string[] };
	/** TCP ports of the host itself, which no module may bind on any address. */
	readonly reservedPorts?: readonly number[];
}

/** Whether the network is open, if only a list of it. `strict` closes it whatever plugins.yaml says. */
export function grantsNet({ level, net }: SandboxDto): boolean {
	return level === "off" || (level === "standard" && (net === true || (net !== false && net.length > 0)));
}

/** Whether there is any socket to use, of the network or of the machine. */
export function grantsSockets(policy: SandboxDto): boolean {
	return grantsNet(policy) || (policy.level === "standard" && (policy.unix ?? []).length > 0);
}

/** What is left of the grants for sockets under the level. */
export function networkGrants(policy: SandboxDto): NetworkGrants {
	const isStrict = policy.level === "strict";
	return {
		net: grantsNet(policy) && policy.net,
		unix: isStrict ? [] : (policy.unix ?? []),
		reservedPorts: policy.reservedPorts ?? [],
	};
}

/** Whether programs may be started. `strict` closes that too: any of them could use the network. */
export function grantsChildProcess({ level, childProcess }: SandboxDto): boolean {
	return level === "off" || (level === "standard" && childProcess);
}

/** What would have to be granted before a module may do something; `never`: nothing in plugins.yaml opens it. */
export type Remedy = "net" | "netList" | "unix" | "childProcess" | "read" | "write" | "sqlite" | "never";

/**
 * What closes the functions of a built-in; undefined: nothing, or only those that are closed to everybody. It can be imported
 * in any case: packages import much that they hardly ever use.
 *
 * @param name without `node:`
 */
export function closedBy(policy: SandboxDto, name: string): Remedy | undefined {
	if (policy.level === "off" || name in OPEN) return undefined;
	if (name in WITH_NET) return grantsNet(policy) ? undefined : "net";
	if (name === "sqlite") return policy.databases !== undefined ? undefined : "sqlite";
	if (name === "child_process") return grantsChildProcess(policy) ? undefined : "childProcess";
	return "never";
}

/** What the operator can do about it. Completes "… is not open to the module: …". */
export function adviceFor(policy: SandboxDto, remedy: Remedy, path?: string): string {
	switch (remedy) {
		case "never":
			return "no permission in plugins.yaml opens it";
		case "read":
		case "write":
			return `plugins.yaml opens it with \`permissions: { ${remedy}: [${path ?? "PATH"}] }\``;
		case "sqlite":
			return "plugins.yaml opens it with `isolation: process` and the database's file in `permissions: { write: [FILE] }`, or in `read`";
		case "unix":
			return openedUnder(policy, `permissions: { unix: [${path ?? "PATH"}] }`);
		case "netList":
			return openedUnder(policy, `permissions: { net: ["${path ?? "HOST:PORT"}"] }`);
		case "net":
		case "childProcess":
			return openedUnder(policy, `permissions: { ${remedy}: true }`);
	}
}

function openedUnder({ level }: SandboxDto, line: string): string {
	return level === "strict"
		? `SANDBOX=strict closes it to every module; under SANDBOX=standard plugins.yaml opens it with \`${line}\``
		: `plugins.yaml opens it with \`${line}\``;
}

export function bareName(specifier: string): string {
	return startsWith(specifier, "node:") ? slice(specifier, "node:".length) : specifier;
}

/**
 * Some of them are open in part: see builtins.ts. What Node adds later is closed until it is listed. Those of the network that
 * reach it through a socket or a server are open too, since it is there that it is closed.
 */
const OPEN: Names = namesOf([
	"_http_agent",
	"_http_client",
	"_http_incoming",
	"_http_outgoing",
	"_http_server",
	"_stream_duplex",
	"_stream_passthrough",
	"_stream_readable",
	"_stream_transform",
	"_stream_wrap",
	"_stream_writable",
	"_tls_common",
	"_tls_wrap",
	"assert",
	"assert/strict",
	"async_hooks",
	"buffer",
	"console",
	"constants",
	"crypto",
	"diagnostics_channel",
	"events",
	"fs",
	"fs/promises",
	"http",
	"http2",
	"https",
	"module",
	"net",
	"os",
	"path",
	"path/posix",
	"path/win32",
	"perf_hooks",
	"process",
	"punycode",
	"querystring",
	"readline",
	"readline/promises",
	"stream",
	"stream/consumers",
	"stream/promises",
	"stream/web",
	"string_decoder",
	"sys",
	"timers",
	"timers/promises",
	"tls",
	"tty",
	"url",
	"util",
	"util/types",
	"v8",
	"worker_threads",
	"zlib",
]);

const WITH_NET: Names = namesOf(["dgram", "dns", "dns/promises"]);
