import type { Response } from "express";
import type { PageEntries } from "./view/page-data.ts";

/**
 * Keeps open pages up to date: each gets all entries of its topic, and then, once a second at the most, those that have
 * changed. Pages of one topic share the text of a second; while no page is open nothing is looked at.
 */
export interface LiveFeed {
	/** Undefined when there are too many streams, or the host stops. */
	open(topic: string, response: Response): true | undefined;
}

export interface LiveFeedOptions {
	/** What there is to show now. */
	readonly read: (topic: string) => PageEntries;
	/** Aborts when the host stops: all streams end. */
	readonly stopping: AbortSignal;
	readonly intervalMs?: number;
	readonly maxStreams?: number;
}

interface Topic {
	readonly streams: Set<Response>;
	/** The JSON of each entry, as it was sent last. */
	sent: ReadonlyMap<string, string>;
}

const INTERVAL_MS = 1000;
/** Some hundred screens on walls. */
const MAX_STREAMS = 256;
/** A page that does not read is closed: it gets everything anew when it is back. */
const MAX_UNREAD_BYTES = 4 << 20;
const KEEP_ALIVE_TICKS = 15;

export function createLiveFeed(options: LiveFeedOptions): LiveFeed {
	const { read, stopping, intervalMs = INTERVAL_MS, maxStreams = MAX_STREAMS } = options;
	const topics = new Map<string, Topic>();
	let timer: NodeJS.Timeout | undefined;
	let ticks = 0;
	let count = 0;

	function tick(): void {
		ticks += 1;
		for (const [name, topic] of topics) {
			const entries = entryTexts(read(name));
			const text = deltaText(topic.sent, entries);
			topic.sent = entries;
			if (text !== undefined) for (const stream of topic.streams) send(stream, text);
			else if (ticks % KEEP_ALIVE_TICKS === 0) for (const stream of topic.streams) send(stream, ": alive\n\n");
		}
	}

	function left(name: string, topic: Topic, stream: Response): void {
		if (!topic.streams.delete(stream)) return;
		count -= 1;
		if (topic.streams.size === 0 && topics.get(name) === topic) topics.delete(name);
		if (count > 0) return;
		clearInterval(timer);
		timer = undefined;
	}

	stopping.addEventListener("abort", () => {
		clearInterval(timer);
		for (const { streams } of topics.values()) for (const stream of streams) stream.end();
	});

	return {
		open(name, response) {
			if (stopping.aborted || count >= maxStreams) return undefined;
			const topic = topics.get(name) ?? { streams: new Set(), sent: entryTexts(read(name)) };
			topics.set(name, topic);
			topic.streams.add(response);
			count += 1;
			response.once("close", () => left(name, topic, response));
			response.writeHead(200, STREAM_HEADERS);
			// What has changed since is in the next delta, for this page as for the others.
			send(response, eventText("snapshot", topic.sent));
			timer ??= setInterval(tick, intervalMs);
			return true;
		},
	};
}

const STREAM_HEADERS = {
	"content-type": "text/event-stream; charset=utf-8",
	"cache-control": "no-store",
	"x-accel-buffering": "no", // nginx passes it on as it comes
};

function send(stream: Response, text: string): void {
	stream.write(text);
	if (stream.writableLength > MAX_UNREAD_BYTES) stream.destroy();
}

function entryTexts(entries: PageEntries): ReadonlyMap<string, string> {
	return new Map(Object.entries(entries).map(([key, value]) => [key, JSON.stringify(value)]));
}

/** Undefined when nothing has changed. */
function deltaText(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string | undefined {
	const changed = new Map([...now].filter(([key, text]) => before.get(key) !== text));
	for (const key of before.keys()) if (!now.has(key)) changed.set(key, "null");
	return changed.size === 0 ? undefined : eventText("delta", changed);
}

function eventText(event: "snapshot" | "delta", entries: ReadonlyMap<string, string>): string {
	const fields = [...entries].map(([key, text]) => `${JSON.stringify(key)}:${text}`);
	return `event: ${event}\ndata: {"now":${Date.now()},"entries":{${fields.join(",")}}}\n\n`;
}
