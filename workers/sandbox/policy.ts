import { builtinModules } from "node:module";
import { type Names, namesOf, slice, startsWith } from "./primordials.ts";

/** How tightly a worker is locked; the variable `SANDBOX`. */
export type SandboxLevel = "off" | "standard" | "strict";

/** What the operator has granted to a module, as it crosses the wire to the module's worker. */
export interface SandboxDto {
	readonly level: SandboxLevel;
	readonly net: boolean;
	readonly childProcess: boolean;
}

/** Whether the network is open. `strict` closes it whatever plugins.yaml says. */
export function grantsNet({ level, net }: SandboxDto): boolean {
	return level === "off" || (level === "standard" && net);
}

/** Whether programs may be started. `strict` closes that too: any of them could use the network. */
export function grantsChildProcess({ level, childProcess }: SandboxDto): boolean {
	return level === "off" || (level === "standard" && childProcess);
}

/** What would have to be granted before a module may do something; `never`: nothing in plugins.yaml opens it. */
export type Remedy = "net" | "childProcess" | "read" | "never";

/** A built-in that a module with this policy can never import. */
export interface ForbiddenImport {
	/** Without `node:`, as in `child_process` or `inspector/promises`. It is meant with and without the prefix. */
	readonly name: string;
	/** Completes "it cannot be imported: …". */
	readonly advice: string;
}

/** Built-ins that are closed to a module, so that its imports of them are refused when it is compiled. */
export function forbiddenImports(policy: SandboxDto): readonly ForbiddenImport[] {
	return builtinModules.map(bareName).flatMap((name) => {
		const remedy = importRemedy(policy, name);
		return remedy === undefined ? [] : [{ name, advice: adviceFor(policy, remedy) }];
	});
}

/** What stands in the way of importing a built-in; undefined: nothing. @param name without `node:` */
export function importRemedy(policy: SandboxDto, name: string): Remedy | undefined {
	if (policy.level === "off" || name in OPEN) return undefined;
	if (name in WITH_NET) return grantsNet(policy) ? undefined : "net";
	if (name === "child_process") return grantsChildProcess(policy) ? undefined : "childProcess";
	return "never";
}

/** What the operator can do about it. Completes "… is not open to the module: …". */
export function adviceFor(policy: SandboxDto, remedy: Remedy, path?: string): string {
	switch (remedy) {
		case "never":
			return "no permission in plugins.yaml opens it";
		case "read":
			return `plugins.yaml opens it with \`permissions: { read: [${path ?? "PATH"}] }\``;
		case "net":
		case "childProcess": {
			const line = `\`permissions: { ${remedy}: true }\``;
			return policy.level === "strict"
				? `SANDBOX=strict closes it to every module; under SANDBOX=standard plugins.yaml opens it with ${line}`
				: `plugins.yaml opens it with ${line}`;
		}
	}
}

export function bareName(specifier: string): string {
	return startsWith(specifier, "node:") ? slice(specifier, "node:".length) : specifier;
}

/** Some of them are open in part: see the files that close the rest. What Node adds later is closed until it is listed. */
const OPEN: Names = namesOf([
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
	"module",
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
	"tty",
	"url",
	"util",
	"util/types",
	"v8",
	"worker_threads",
	"zlib",
]);

const WITH_NET: Names = namesOf(["dgram", "dns", "dns/promises", "http", "http2", "https", "net", "tls"]);
