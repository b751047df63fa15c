import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** Whether a server can be told to listen on it: an IP address, or a name without scheme and port. */
export function isHost(text: string): boolean {
	return isIP(text) !== 0 || /^[a-z\d]([a-z\d._-]*[a-z\d])?$/i.test(text);
}

/** Whether only this machine reaches a server that listens on this address or name. */
export function isLoopback(host: string): boolean {
	const version = isIP(host);
	// RFC 6761, section 6.3: these names are always loopback.
	if (version === 0) return /^(.+\.)?localhost$/i.test(host);
	return LOOPBACK.check(host, version === 6 ? "ipv6" : "ipv4");
}

/** Where a request says it goes to, or a web page says it comes from. */
export interface Authority {
	/** In lower case and without a dot at its end; IPv6 in brackets and in its shortest form. */
	readonly name: string;
	/** Empty where there is none. */
	readonly port: string;
}

/** Reads `name`, `name:port` and their like; undefined for what no client sends that means well (user names, spaces, paths). */
export function readAuthority(text: string): Authority | undefined {
	const [, literal, name = "", port = ""] = AUTHORITY.exec(text) ?? [];
	if (port !== "" && Number(port) > MAX_PORT) return undefined;
	if (literal !== undefined) {
		const shortest = URL.parse(`http://${literal}`)?.hostname;
		return shortest === undefined ? undefined : { name: shortest, port };
	}
	return name === "" || name.length > MAX_NAME_LENGTH ? undefined : { name: name.toLowerCase(), port };
}

/** Whether a name is an IP address as it stands in a `Host` header. */
export function isAddress(name: string): boolean {
	return name.startsWith("[") || isIPv4(name);
}

/**
 * An entry of `ALLOWED_HOSTS` as an `Authority` has it, `name` or `name:port`; `*` stays as it is.
 *
 * @param entry in lower case
 * @returns undefined if it is no host name
 */
export function toHostName(entry: string): string | undefined {
	if (entry === "*") return entry;
	if (isIPv6(entry)) return readAuthority(`[${entry}]`)?.name;
	const [, name = "", port = ""] = /^(\[[^\]]*\]|[^\s:/?#@[\]\\*]+)((?::\d+)?)$/.exec(entry) ?? [];
	const hostname = name === "" ? undefined : URL.parse(`http://${name}`)?.hostname; // which also writes names of other scripts as DNS has them
	const authority = hostname === undefined ? undefined : readAuthority(hostname + port);
	return authority === undefined ? undefined : join(authority);
}

/**
 * An entry of `ALLOWED_ORIGINS`: `https://app.example`, a host name that stands for it under any scheme and port, `null`,
 * `*`, or `scheme://*` for every origin of a scheme (browser extensions).
 */
export function toOriginName(entry: string): string | undefined {
	if (entry === "null") return entry;
	const [, scheme, rest = ""] = /^([a-z][a-z\d+.-]*:\/\/)(.*?)\/?$/.exec(entry) ?? [];
	if (scheme === undefined) return toHostName(entry);
	if (rest === "*") return entry;
	const name = toHostName(rest);
	return name === undefined ? undefined : withoutDefaultPort(scheme + name);
}

/** Every entry that an origin may be named by, as `toOriginName` writes them; undefined for what is no origin. */
export function originNames(origin: string): readonly string[] | undefined {
	if (origin === "null") return ["null"];
	const [, scheme = "", rest = ""] = /^([a-z][a-z\d+.-]*:\/\/)(.+)$/i.exec(origin) ?? [];
	const authority = readAuthority(rest);
	if (authority === undefined) return undefined;
	const lower = scheme.toLowerCase();
	return [withoutDefaultPort(lower + join(authority)), authority.name, join(authority), `${lower}*`];
}

function join({ name, port }: Authority): string {
	return port === "" ? name : `${name}:${port}`;
}

function withoutDefaultPort(origin: string): string {
	return origin.replace(/^(http:\/\/.+):80$|^(https:\/\/.+):443$/, "$1$2");
}

/** One dot at the end says that the name is a whole one; a colon may stand without a port (RFC 3986, 3.2.3). */
const AUTHORITY = /^(?:(\[[\da-f:.]+\])|([a-z\d_-]+(?:\.[a-z\d_-]+)*)\.?)(?::(\d{0,5}))?$/i;
const MAX_PORT = 65_535;
const MAX_NAME_LENGTH = 253;
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");
