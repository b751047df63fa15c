import { byteLength, stringify } from "../primordials/primordials.ts";
import type { LoggedDto, WorkerMessage } from "./messages.ts";
import type { WireCauseDto } from "./wire-error.ts";
import { createMessageQuota } from "./token-bucket.ts";

/** How much of what a worker sends without being asked is taken, in messages and in bytes. */
export interface IntakeQuota {
	/** Whether this one is taken too; what is not is dropped. An answer always is: main has asked for it. */
	takes(message: WorkerMessage): boolean;
}

/**
 * Main's own count. A worker's runtime keeps to about half of this by itself; main does not rely on it, since code in a
 * worker that got hold of its port could send whatever it likes.
 */
export function createIntakeQuota(now?: () => number): IntakeQuota {
	const unasked = createMessageQuota({ perSecond: 1000, burst: 10_000 }, now);
	const bytes = createMessageQuota({ perSecond: 2 * MIB, burst: 8 * MIB }, now);
	const catalogs = createMessageQuota({ perSecond: 2 * MIB, burst: 4 * MIB }, now);
	const logs = createMessageQuota({ perSecond: 2 * LOG_QUOTA.perSecond, burst: 2 * LOG_QUOTA.burst }, now);
	const emitted = createMessageQuota({ perSecond: 4000, burst: 10_000 }, now);
	const emittedBytes = createMessageQuota(
		{ perSecond: 2 * EMITTED_BYTES.perSecond, burst: 2 * EMITTED_BYTES.burst },
		now,
	);
	return {
		takes(message) {
			switch (message.type) {
				case "logged":
					return unasked.take() && logs.take(lineBytes(message));
				case "relisted":
					return unasked.take() && catalogs.take(message.json.length);
				case "updated":
				case "taskChanged":
					return unasked.take();
				case "pushed":
					return unasked.take() && bytes.take(message.json.length);
				case "emitted":
				case "asked":
					return emitted.take() && emittedBytes.take(message.json.length);
				case "withdrawn":
					return emitted.take();
				case "acked":
				case "done":
				case "failed":
					return true;
			}
		},
	};
}

const MIB = 1024 * 1024;

/** What a module may have written to the log, by the bytes that it takes there. */
export const LOG_QUOTA = { perSecond: 64 * 1024, burst: 256 * 1024 } as const;
/** What all running calls of a module may report together, in characters. */
export const EMITTED_BYTES = { perSecond: 4 * MIB, burst: 16 * MIB } as const;
/** A catalog is told again no sooner than it takes at this many characters a second. */
export const CATALOG_CHARS_PER_SECOND = MIB;

/** What a line costs beside its text. */
const LINE_BYTES = 32;

/** The bytes of a line with its fields, and with what an error says of itself and its causes. */
export function lineBytes({ text, fields = "", error }: LoggedDto): number {
	let bytes = writtenBytes(text) + fields.length;
	if (error !== undefined) bytes += errorLength(error);
	const causes = error?.causes ?? [];
	for (let at = 0; at < causes.length; at++) bytes += errorLength(causes[at] as WireCauseDto);
	return bytes;
}

function errorLength({ message, stack = "" }: WireCauseDto): number {
	return message.length + stack.length;
}

/** The bytes that a text takes as JSON, where a control character is six. */
export function writtenBytes(text: string): number {
	return byteLength(stringify(text)) + LINE_BYTES;
}
