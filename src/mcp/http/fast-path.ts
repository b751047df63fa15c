import type { ServerResponse } from "node:http";
import type { Gateway } from "../calls/gateway.ts";
import type { TakeCall } from "../calls/request-context.ts";
import { NOBODY, type RunningCall } from "../calls/call-relay.ts";
import type { CallOrigin } from "../calls/call.ts";
import type { ToolCallMessage } from "../protocol/inbound-request.ts";
import { type Era } from "../../../workers/wire/catalog.ts";

export interface DirectCall {
	readonly era: Era;
	readonly message: ToolCallMessage;
	readonly origin: CallOrigin;
	/** The session's, where there is one. */
	readonly sessionId?: string;
	/** Whether a client that goes away has cancelled its call; in the 2025 era, with a session, it may come back. */
	readonly cancelOnClose: boolean;
	/** A call that takes longer goes the general way, where its client gets an event stream; undefined: never for that. */
	readonly handOverAfterMs?: number;
	/**
	 * The general way, through the SDK, for a call that has begun: when it streams, asks its client, needs input, fails
	 * or takes its time.
	 */
	readonly general: (takeCall: TakeCall, why: HandOver) => Promise<void>;
	readonly onBegun?: (call: RunningCall) => void;
	/** The call is over, or the SDK's from here on. A call that its client's disconnecting did not cancel goes on till then. */
	readonly onEnded?: (call: RunningCall) => void;
}

/** Why a call leaves the fast path: its module has something for the client, it takes its time, or anything else. */
export type HandOver = "streaming" | "slow" | "other";

/**
 * Answers a tool call without the SDK between the client and the worker. What the module's server wrote goes out as it
 * is, between a head and a tail; the bytes are those that the general way would have sent.
 */
export function serveDirectly(gateway: Gateway, direct: DirectCall, response: ServerResponse): Promise<void> {
	const { era, message, origin } = direct;
	return new Promise((resolve, reject) => {
		let phase: "direct" | "general" | "ended" = "direct";
		let taken = false;

		const call = gateway.begin({ era, method: "tools/call", params: message.params, origin }, () =>
			handOver("streaming"),
		);
		const timer =
			direct.handOverAfterMs === undefined ? undefined : setTimeout(() => handOver("slow"), direct.handOverAfterMs);
		direct.onBegun?.(call);
		response.once("close", onClose);
		call.answer.then(
			({ json, result }) => {
				if (phase !== "direct") return;
				if (result["resultType"] === "input_required") return handOver("other");
				phase = "ended";
				stopWatching();
				const text = `${json.slice(0, -1)},"jsonrpc":"2.0","id":${JSON.stringify(message.id)}}`;
				response.writeHead(200, headersOf(direct, Buffer.byteLength(text)));
				response.end(text);
				resolve();
			},
			() => handOver("other"),
		);

		function handOver(why: HandOver): void {
			if (phase !== "direct") return;
			phase = "general";
			stopWatching();
			direct
				.general((method) => {
					if (taken || method !== "tools/call") return undefined;
					taken = true;
					return call;
				}, why)
				.then(resolve, reject);
		}

		function stopWatching(): void {
			clearTimeout(timer);
			forget();
		}

		function forget(): void {
			direct.onEnded?.(call);
		}

		function onClose(): void {
			if (phase === "ended" || taken) return; // who has taken the call watches for this
			if (phase === "general" || direct.cancelOnClose) call.cancel("the client has disconnected");
			if (phase !== "direct") return;
			call.attach(NOBODY); // it has got no event stream yet that it could come back to
			phase = "ended";
			clearTimeout(timer);
			call.answer.then(forget, forget); // until then its client may still cancel it
			resolve();
		}
	});
}

/** With its length known, a response leaves in one write. */
function headersOf({ sessionId }: DirectCall, length: number): Record<string, string | number> {
	const headers = { "content-type": "application/json", "content-length": length };
	return sessionId === undefined ? headers : { ...headers, "mcp-session-id": sessionId };
}
