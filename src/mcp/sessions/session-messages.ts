import { createMessageQuota, type MessageQuota } from "../../../workers/wire/token-bucket.ts";
import { PUSHED_METHODS } from "../../../workers/wire/messages.ts";
import { passesLogLevel } from "../protocol/log-level.ts";
import type { Session } from "./sessions.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

/** Why a message of a module did not go to a session: the fixed list of the label `reason`, and what there is to say of it. */
export const SESSION_MESSAGE_DROPS = {
	session_gone: "the session has ended; a timer that sends to it should end too",
	not_called: "a module may send to the sessions that have called it, no others",
	rate_limit: "it sends more to sessions outside of calls than is allowed; send less often, or less at a time",
	slow_client: "the client does not read what it was sent before",
	invalid:
		"it is longer than 64 Ki characters, no log message or elicitation/complete, or not one that the client has declared to take",
} as const;
export type SessionMessageDrop = keyof typeof SESSION_MESSAGE_DROPS;

export interface SessionMessagesOptions {
	/** @param address what modules know a session by */
	readonly sessionAt: (address: string) => Pick<Session, "server" | "state"> | undefined;
	/** @param isFirst whether none of this module's was dropped for this reason before */
	readonly onDropped: (moduleId: string, reason: SessionMessageDrop, isFirst: boolean) => void;
	/** Milliseconds of a clock that never goes back; for tests. */
	readonly now?: () => number;
}

/**
 * Passes on what modules send to sessions whose calls have ended: log messages, and that a form was filled in. They go to the
 * event stream that the client has opened with GET, and are kept for it while it reconnects. The sender is not trusted.
 *
 * @returns the sink of one message: JSON text of `{method, params}`
 */
export function createSessionMessages({ sessionAt, onDropped, now }: SessionMessagesOptions) {
	/** Those that ever sent one; modules are files that the operator has put there. */
	const senders = new Map<string, MessageSender>();

	function senderOf(moduleId: string): MessageSender {
		const known = senders.get(moduleId);
		if (known !== undefined) return known;
		const sender = { quota: createMessageQuota(SESSION_MESSAGES, now), dropped: new Set<SessionMessageDrop>() };
		senders.set(moduleId, sender);
		return sender;
	}

	function drop(moduleId: string, reason: SessionMessageDrop): void {
		const { dropped } = senderOf(moduleId);
		onDropped(moduleId, reason, !dropped.has(reason));
		dropped.add(reason);
	}

	/** What became of a message: undefined when it was sent, or was below the level that the session asked for. */
	function send(moduleId: string, address: string, json: string): SessionMessageDrop | undefined {
		if (!senderOf(moduleId).quota.take(1 + json.length / CHARACTERS_PER_MESSAGE)) return "rate_limit";
		const session = sessionAt(address);
		if (session === undefined) return "session_gone";
		const { called, logLevel, stream } = session.state;
		if (!called.has(moduleId)) return "not_called";
		const message = readMessage(json);
		if (message === undefined) return "invalid";
		if (!passesLogLevel(message, logLevel)) return undefined;
		if (stream.isStalled()) return "slow_client";
		// It throws for what the client has not declared, before anything is sent.
		session.server.notification(message as never).catch(() => drop(moduleId, "invalid"));
		return undefined;
	}

	return (moduleId: string, address: string, json: string): void => {
		const dropped = send(moduleId, address, json);
		if (dropped !== undefined) drop(moduleId, dropped);
	};
}

interface MessageSender {
	readonly quota: MessageQuota;
	/** For what, so far. */
	readonly dropped: Set<SessionMessageDrop>;
}

/** What one module may send, to all sessions together. */
const SESSION_MESSAGES = { perSecond: 100, burst: 500 };
/** A long one counts as several. */
const CHARACTERS_PER_MESSAGE = 4096;

function readMessage(
	json: string,
):
	| { readonly method: (typeof PUSHED_METHODS)[number]; readonly params: Readonly<Record<string, unknown>> }
	| undefined {
	const message = parseJson(json);
	if (!isRecord(message) || !isRecord(message["params"])) return undefined;
	const method = PUSHED_METHODS.find((known) => known === message["method"]);
	return method === undefined ? undefined : { method, params: message["params"] };
}
