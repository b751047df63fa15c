import type { HostConfig } from "../../config/config.ts";
import { originNames } from "../../config/host-header.ts";

/** Whether pages of an origin may send requests, and read the answers. */
export type OriginCheck = (origin: string, host: string | undefined) => boolean;

/**
 * The origins that are named, that of `PUBLIC_URL`, and the pages of the host itself: a browser sends the origin with its
 * own page's POST too, and the `Host` of that request has been checked. Where any `Host` passes it proves nothing.
 */
export function createOriginCheck({
	allowedOrigins,
	allowedHosts,
	publicUrl,
}: Pick<HostConfig, "allowedOrigins" | "allowedHosts" | "publicUrl">): OriginCheck {
	const allowed = new Set(allowedOrigins);
	if (publicUrl !== undefined) allowed.add(new URL(publicUrl).origin);
	const knowsItsHosts = !allowedHosts.includes("*");
	/** A browser's tab sends the same again and again. */
	let passed: string | undefined;

	return (origin, host) => {
		if (origin === passed || allowed.has("*")) return true;
		const names = originNames(origin);
		if (names === undefined) return false;
		if (names.some((name) => allowed.has(name))) {
			passed = origin;
			return true;
		}
		return (
			knowsItsHosts && host !== undefined && OWN.some((scheme) => origin.toLowerCase() === scheme + host.toLowerCase())
		);
	};
}

const OWN = ["http://", "https://"];
