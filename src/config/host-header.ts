import { BlockList, isIP, isIPv6 } from "node:net";

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

/**
 * A name as a parsed `Host` header has it: without port, in lower case, IPv6 in brackets and in its shortest form.
 *
 * @param entry in lower case; `*` stays as it is
 * @returns undefined if it is no host name
 */
export function toHostName(entry: string): string | undefined {
	if (entry === "*") return entry;
	const name = isIPv6(entry) ? `[${entry}]` : entry;
	if (!/^(\[[\da-f:.]+\]|[^\s:/?#@[\]\\*]+)$/.test(name)) return undefined;
	return URL.parse(`http://${name}`)?.hostname;
}

/** The same for an `Origin` header, where `scheme://*` stands for every origin of a scheme (browser extensions). */
export function toOriginName(entry: string): string | undefined {
	return /^[a-z][a-z\d+.-]*:\/\/\*$/.test(entry) ? entry : toHostName(entry);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");
