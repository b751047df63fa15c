import { isIPv6 } from "node:net";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

/** Requests that one client may make in a minute. */
export interface RateLimit {
	/**
	 * Counts one request.
	 *
	 * @returns undefined if it may be served, else the seconds after which the next one may
	 */
	take(client: string): Promise<number | undefined>;
}

/** @param perMinute at least 1 */
export function createRateLimit(perMinute: number): RateLimit {
	const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
	/** Clients of this minute. A flood from ever new addresses shares one allowance, and so does not fill the memory. */
	const clients = new Set<string>();
	let windowEndsAt = 0;

	function keyOf(client: string): string {
		const now = performance.now();
		if (now >= windowEndsAt) {
			clients.clear();
			windowEndsAt = now + WINDOW_SECONDS * 1000;
		}
		if (clients.has(client)) return client;
		if (clients.size >= MAX_CLIENTS) return OTHERS;
		clients.add(client);
		return client;
	}

	return {
		async take(client) {
			try {
				await limiter.consume(keyOf(client));
				return undefined;
			} catch (refused) {
				if (!(refused instanceof RateLimiterRes)) throw refused;
				return Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
			}
		},
	};
}

/** An address as it is counted: of IPv6 the network of 64 bits, all of which one machine may have. */
export function clientOfAddress(address: string): string {
	if (!isIPv6(address)) return `address:${address}`;
	const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
	if (mapped !== undefined) return `address:${mapped}`;
	const [head = "", tail] = address.split("::");
	const groups = head.split(":").filter(Boolean);
	const rest = (tail ?? "").split(":").filter(Boolean);
	const all =
		tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - rest.length).fill("0"), ...rest];
	return `address:${all.slice(0, 4).join(":")}::/64`;
}

const WINDOW_SECONDS = 60;
const MAX_CLIENTS = 20_000;
const OTHERS = "others";
