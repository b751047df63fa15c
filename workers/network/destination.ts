import { isIP } from "node:net";

/**
 * One entry of `permissions.net`: where a module may connect to, as `HOST:PORT`.
 *
 * HOST is a name (`api.example.com`), all names below one (`*.internal.example`, at any depth, not `internal.example`
 * itself), an address (`10.0.0.7`, `[::1]`), a network (`10.0.0.0/8`, `[fd00::/8]`), or `*`. PORT is a number or `*`.
 */
export interface Destination {
	readonly host:
		| { readonly kind: "any" }
		| { readonly kind: "name"; readonly name: string }
		/** `suffix` begins with a dot. */
		| { readonly kind: "below"; readonly suffix: string }
		| { readonly kind: "network"; readonly address: string; readonly prefix: number; readonly family: "ipv4" | "ipv6" };
	/** Undefined: every port. */
	readonly port: number | undefined;
}

/** @returns undefined when the text is no destination */
export function parseDestination(text: string): Destination | undefined {
	const parts = /^(?:\[(?<v6>[^[\]]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5}|\*)$/.exec(text)?.groups;
	if (parts === undefined) return undefined;
	const port = parts["port"] === "*" ? undefined : Number(parts["port"]);
	if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
	const host = parts["v6"] === undefined ? parseHost(parts["host"] ?? "") : parseNetwork(parts["v6"], 6);
	return host && { host, port };
}

/** A name as it is compared: in lower case, without the dot that may end it. */
function normalName(name: string): string {
	return name.toLowerCase().replace(/\.$/, "");
}

const NAME = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const LOOKS_NUMERIC = /^[\d./]+$/;

function parseHost(text: string): Destination["host"] | undefined {
	if (text === "*") return { kind: "any" };
	if (LOOKS_NUMERIC.test(text)) return parseNetwork(text, 4);
	const name = normalName(text);
	if (name.startsWith("*.")) return NAME.test(name.slice(2)) ? { kind: "below", suffix: name.slice(1) } : undefined;
	return NAME.test(name) ? { kind: "name", name } : undefined;
}

function parseNetwork(text: string, version: 4 | 6): Destination["host"] | undefined {
	const [address = "", length, ...more] = text.split("/");
	const longest = version === 4 ? 32 : 128;
	if (more.length > 0 || isIP(address) !== version || address.includes("%")) return undefined;
	if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
	const prefix = length === undefined ? longest : Number(length);
	return prefix > longest ? undefined : { kind: "network", address, prefix, family: `ipv${version}` };
}
