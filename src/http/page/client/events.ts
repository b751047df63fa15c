import { ask, problemOf } from "./host.ts";

export interface StreamListener {
	readonly onEvent: (event: string, data: string) => void;
	readonly onOpen: () => void;
	/** It will be tried again. */
	readonly onLost: () => void;
	/** The host wants to know who asks, or does not let them: nothing more is tried. */
	readonly onRefused: (problem: string, status: number) => void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** Longer than the host is ever silent. */
const SILENCE_MS = 40_000;

/**
 * Server-sent events by `fetch`, since an EventSource cannot send a token. Reconnects with backoff, at once when the tab is
 * looked at again or the network is back.
 *
 * @returns ends it
 */
export function followEvents(path: string, listener: StreamListener): () => void {
	const ending = new AbortController();
	void follow(path, listener, ending.signal);
	return () => ending.abort();
}

async function follow(path: string, listener: StreamListener, ended: AbortSignal): Promise<void> {
	let delayMs = FIRST_DELAY_MS;
	while (!ended.aborted) {
		try {
			const silence = silenceWatch(ended);
			const response = await ask(path, { signal: silence.signal, headers: { accept: "text/event-stream" } });
			if (FINAL.has(response.status)) return listener.onRefused(await problemOf(response), response.status);
			if (response.ok && response.body !== null) {
				delayMs = FIRST_DELAY_MS;
				listener.onOpen();
				await read(response.body, listener, silence.heard);
			}
			silence.stop();
		} catch {
			// The connection is lost, or was never there: the next attempt says so if it stays away.
		}
		if (ended.aborted) return;
		listener.onLost();
		await pause(delayMs, ended);
		delayMs = Math.min(MAX_DELAY_MS, delayMs * 2);
	}
}

const FINAL: ReadonlySet<number> = new Set([401, 403, 404]);

function silenceWatch(ended: AbortSignal) {
	const silent = new AbortController();
	let timer = setTimeout(() => silent.abort(), SILENCE_MS);
	return {
		signal: AbortSignal.any([silent.signal, ended]),
		heard() {
			clearTimeout(timer);
			timer = setTimeout(() => silent.abort(), SILENCE_MS);
		},
		stop: () => clearTimeout(timer),
	};
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, of which the host uses `event`, `data` and comments. */
async function read(body: ReadableStream<Uint8Array>, { onEvent }: StreamListener, heard: () => void): Promise<void> {
	const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
	let pending = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		heard();
		const blocks = (pending + value).split("\n\n");
		pending = blocks.pop() ?? "";
		for (const block of blocks) {
			let event = "message";
			const data: string[] = [];
			for (const line of block.split("\n")) {
				if (line.startsWith("event: ")) event = line.slice(7);
				if (line.startsWith("data: ")) data.push(line.slice(6));
			}
			if (data.length > 0) onEvent(event, data.join("\n"));
		}
	}
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const done = new AbortController();
	const go = (): void => {
		done.abort();
		resolve();
	};
	const timer = setTimeout(go, ms);
	const options = { signal: done.signal };
	done.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
	window.addEventListener("online", go, options);
	document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && go(), options);
	ended.addEventListener("abort", go, options);
	return promise;
}
