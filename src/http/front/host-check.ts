import type { IncomingMessage } from "node:http";
import type { HostConfig } from "../../config/config.ts";
import { type Authority, isAddress, isLoopback, readAuthority } from "../../config/host-header.ts";
import type { Refusal } from "./problem.ts";

export interface HostCheckOptions extends Pick<HostConfig, "allowedHosts" | "publicUrl"> {
	/** What the listener listens on. */
	readonly host: string;
	/** A request was refused since nobody has named the host that it is addressed to. */
	readonly onRefused: (name: string) => void;
}

/**
 * Whether a request is addressed to us, against DNS rebinding: a page of `evil.example` whose name is made to point here
 * sends that name. An address is no name, so that it may pass where others than this machine are served.
 */
export function createHostCheck(options: HostCheckOptions): (request: IncomingMessage) => Refusal | undefined {
	const allowed = new Set(options.allowedHosts);
	const publicName = options.publicUrl === undefined ? undefined : URL.parse(options.publicUrl)?.hostname;
	if (publicName !== undefined) allowed.add(publicName);
	const passesAny = allowed.has("*");
	const passesAddresses = !isLoopback(options.host);
	/** Nearly all requests carry the same header. */
	let passed: string | undefined;

	function isAllowed({ name, port }: Authority): boolean {
		if (passesAny || allowed.has(name) || (passesAddresses && isAddress(name))) return true;
		if (port !== "") return allowed.has(`${name}:${port}`);
		return allowed.has(`${name}:80`) || allowed.has(`${name}:443`);
	}

	return (request) => {
		const header = request.headers.host;
		const target = takeTargetAuthority(request);
		if (countOfHosts(request) > 1) return malformed("a request has one Host header");
		if (target !== undefined && target !== header?.toLowerCase()) {
			return malformed("the address in the request line is another than the Host header");
		}
		if (header === undefined || header === "") return malformed("the Host header is missing");
		if (header === passed) return undefined;
		const authority = readAuthority(header);
		if (authority === undefined) return malformed("the Host header is no host name with or without a port");
		if (isAllowed(authority)) {
			passed = header;
			return undefined;
		}
		options.onRefused(authority.name);
		const detail = `requests to ${authority.name} are refused: this host is not known by that name (ALLOWED_HOSTS lists those it is)`;
		return { status: 403, code: "HOST_NOT_ALLOWED", title: "Forbidden", detail };
	};
}

function malformed(what: string): Refusal {
	return {
		status: 400,
		code: "HOST_MALFORMED",
		title: "Bad request",
		detail: `${what} (ALLOWED_HOSTS lists the names that are served)`,
	};
}

function countOfHosts({ rawHeaders }: IncomingMessage): number {
	let count = 0;
	for (let index = 0; index < rawHeaders.length; index += 2) {
		const name = rawHeaders[index] ?? "";
		if (name.length === HOST.length && name.toLowerCase() === HOST) count += 1;
	}
	return count;
}

const HOST = "host";

/**
 * A request line may name the whole address, `GET http://host/path` (RFC 9112, 3.2.2). It is routed by its path as any other.
 *
 * @returns the host that it named
 */
function takeTargetAuthority(request: IncomingMessage): string | undefined {
	const { url = "" } = request;
	if (url.startsWith("/") || url === "*") return undefined;
	const [, authority = "", path = ""] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
	request.url = path.startsWith("/") ? path : `/${path}`;
	return authority.toLowerCase();
}
