import { CLOSE_STREAM } from "../../../workers/wire/messages.ts";
import type { AskClient } from "../../../workers/wire/client-requests.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

/** A request that a module is answering. It runs from its creation on, whether or not somebody listens. */
export interface RunningCall {
	/** @throws {ProtocolError} the module's own error, or what became of the call */
	readonly answer: Promise<CallAnswer>;
	/**
	 * Connects the call with its client. What the module has sent or asked before is handed over at once. A call that
	 * nobody attaches to keeps the first few messages.
	 */
	attach(client: CallClient): void;
	cancel(reason: string): void;
}

export interface CallAnswer {
	/** Text of `{"result": …}`, exactly as the module's server wrote it. */
	readonly json: string;
	readonly result: Readonly<Record<string, unknown>>;
}

/** The way back to the client of a call. */
export interface CallClient {
	notify(notification: RelatedNotification): void;
	/** Closes the event stream of the call, or of its session; the client comes back for what follows. */
	closeStream(which: "call" | "session"): void;
	readonly ask: AskClient;
}

export interface RelatedNotification {
	readonly method: (typeof RELATED_METHODS)[number];
	readonly params: Readonly<Record<string, unknown>>;
}

/** What passes from the worker to the client of a call, checked and bounded. */
export interface CallRelay {
	readonly onEmitted: (json: string) => void;
	readonly onAsked: AskClient;
	attach(client: CallClient): void;
}

/**
 * @param params of the request: progress is reported only to a client that gave a token, and under that token
 * @param onStreaming called once, when there is something for a client and none is attached
 */
export function createRelay(params: Readonly<Record<string, unknown>>, onStreaming: () => void): CallRelay {
	let client: CallClient | undefined;
	let kept: ((client: CallClient) => void)[] | undefined;
	let sentLength = 0;

	/** Whether the call may send so much more. */
	function spend(length: number): boolean {
		sentLength += length;
		return sentLength <= MAX_SENT_PER_CALL;
	}

	/** False when nobody is attached and enough is kept already. */
	function deliver(what: (client: CallClient) => void): boolean {
		if (client === undefined && kept === undefined) {
			kept = [];
			onStreaming(); // which may attach a client
		}
		if (client !== undefined) what(client);
		else if (kept !== undefined && kept.length < MAX_KEPT) kept.push(what);
		else return false;
		return true;
	}

	return {
		onEmitted(json) {
			if (!spend(json.length)) return;
			const emitted = parseJson(json);
			if (!isRecord(emitted) || !isRecord(emitted["params"])) return;
			if (emitted["method"] === CLOSE_STREAM) {
				const which = emitted["params"]["standalone"] === true ? "session" : "call";
				deliver((to) => to.closeStream(which));
				return;
			}
			const notification = readNotification(emitted["method"], emitted["params"], params);
			if (notification !== undefined) deliver((to) => to.notify(notification));
		},
		onAsked: (json, signal, onProgress) =>
			new Promise((resolve) => {
				if (!spend(json.length + ASK_OVERHEAD)) return resolve(ASKED_TOO_MUCH);
				const delivered = deliver((to) => void to.ask(json, signal, onProgress).then(resolve));
				if (!delivered) resolve(NOBODY_TO_ASK);
			}),
		attach(attached) {
			client = attached;
			const before = kept ?? [];
			kept = [];
			for (const what of before) what(attached);
		},
	};
}

/** Attached to a call whose client has gone for good: what it sends goes nowhere, and what it asks is refused at once. */
export const NOBODY: CallClient = {
	notify: () => undefined,
	closeStream: () => undefined,
	ask: () => Promise.resolve(NOBODY_TO_ASK),
};

/** Messages that wait until a client is attached, which takes no longer than opening a stream. */
const MAX_KEPT = 64;
/**
 * Characters of notifications and questions that one call may send; a client that reads slowly holds them all in memory.
 * Also of questions that the module has withdrawn: they have been sent.
 */
const MAX_SENT_PER_CALL = 8 << 20;
/** Of the message around a question, and of the one that cancels it. */
const ASK_OVERHEAD = 512;
const NOBODY_TO_ASK = '{"error":{"code":-32600,"message":"the client of this call has no stream to be asked on"}}';
const ASKED_TOO_MUCH = `{"error":{"code":-32600,"message":"this call has sent its client the ${MAX_SENT_PER_CALL} characters that a call may, questions included"}}`;
/** What a module may send for a call. A module that sends something else reaches nobody. */
const RELATED_METHODS = [
	"notifications/progress",
	"notifications/message",
	"notifications/elicitation/complete",
] as const;

/** Only what belongs to this request: a module cannot report progress for another's. */
function readNotification(
	emitted: unknown,
	params: Readonly<Record<string, unknown>>,
	callParams: Readonly<Record<string, unknown>>,
): RelatedNotification | undefined {
	const method = RELATED_METHODS.find((known) => known === emitted);
	if (method === undefined) return undefined;
	if (method !== "notifications/progress") return { method, params };
	const progressToken = isRecord(callParams["_meta"]) ? callParams["_meta"]["progressToken"] : undefined;
	if (progressToken === undefined) return undefined;
	return { method, params: { ...params, progressToken } };
}
