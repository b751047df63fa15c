import type { ServerResponse } from "node:http";

/** Bounds what `subscriptions/listen` streams hold: each keeps its request for as long as it is open. */
export interface ListenLimits {
	/**
	 * Takes a stream in. Where all together hold too much, the oldest stream of the client that holds most gives way, unless that
	 * is who asks: then it is refused.
	 *
	 * @param client who asks
	 * @returns why it may not; undefined when it may
	 */
	admit(client: string, body: unknown, response: ServerResponse): ListenRefusal | undefined;
}

export interface ListenRefusal {
	/** 413 for one request that is too large, 429 where its client has too many. */
	readonly status: 413 | 429;
	readonly message: string;
}

export interface ListenLimitsOptions {
	readonly maxStreams: number;
	readonly maxTotalBytes: number;
	/** Of one request. */
	readonly maxBytes: number;
	readonly maxUris: number;
}

export const LISTEN_LIMITS: ListenLimitsOptions = {
	maxStreams: 2000,
	maxTotalBytes: 32 << 20,
	maxBytes: 256 << 10,
	maxUris: 1000,
};

export function createListenLimits({
	maxStreams,
	maxTotalBytes,
	maxBytes,
	maxUris,
}: ListenLimitsOptions): ListenLimits {
	const byClient = new Map<string, Set<OpenStream>>();
	let streams = 0;
	let totalBytes = 0;

	function leave(client: string, stream: OpenStream): void {
		const held = byClient.get(client);
		if (held?.delete(stream) !== true) return;
		if (held.size === 0) byClient.delete(client);
		streams -= 1;
		totalBytes -= stream.bytes;
	}

	/** Who holds most: by its share of whichever of the two is scarce. */
	function largest(): { readonly client: string; readonly held: ReadonlySet<OpenStream> } | undefined {
		let most: { readonly client: string; readonly held: ReadonlySet<OpenStream> } | undefined;
		let share = 0;
		for (const [client, held] of byClient) {
			let bytes = 0;
			for (const stream of held) bytes += stream.bytes;
			const own = Math.max(held.size / maxStreams, bytes / maxTotalBytes);
			if (own > share) [most, share] = [{ client, held }, own];
		}
		return most;
	}

	return {
		admit(client, body, response) {
			const bytes = JSON.stringify(body).length;
			if (bytes > maxBytes) return tooLarge(`has ${bytes} characters, of at most ${maxBytes}`);
			const uris = countOfUris(body);
			if (uris > maxUris) return tooLarge(`names ${uris} resources, of at most ${maxUris}`);
			while (streams + 1 > maxStreams || totalBytes + bytes > maxTotalBytes) {
				const most = largest();
				if (most === undefined || most.client === client) return TOO_MANY;
				const [oldest] = most.held;
				if (oldest === undefined) return TOO_MANY;
				leave(most.client, oldest);
				oldest.response.destroy();
			}
			const stream: OpenStream = { bytes, response };
			const held = byClient.get(client) ?? new Set();
			byClient.set(client, held.add(stream));
			streams += 1;
			totalBytes += bytes;
			response.once("close", () => leave(client, stream));
			return undefined;
		},
	};
}

interface OpenStream {
	readonly bytes: number;
	readonly response: ServerResponse;
}

const TOO_MANY: ListenRefusal = {
	status: 429,
	message: "Too many subscriptions are open, most of them by this client: close some, or try again later",
};

function tooLarge(what: string): ListenRefusal {
	return { status: 413, message: `The subscriptions/listen request ${what}: listen for less, or in several requests` };
}

function countOfUris(body: unknown): number {
	const { params } = body as { params?: { notifications?: { resourceSubscriptions?: unknown } } };
	const uris = params?.notifications?.resourceSubscriptions;
	return Array.isArray(uris) ? uris.length : 0;
}
