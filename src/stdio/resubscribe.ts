import { SdkHttpError } from "@modelcontextprotocol/client";
import {
	isJSONRPCErrorResponse,
	type JSONRPCErrorResponse,
	type JSONRPCMessage,
	type JSONRPCNotification,
	type JSONRPCRequest,
	type JSONRPCResultResponse,
	type RequestId,
	SUBSCRIPTION_ID_META_KEY,
} from "@modelcontextprotocol/server";
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../workers/wire/json.ts";

/**
 * What a client of the 2026-07-28 revision listens to (`subscriptions/listen`), over restarts of the host: a stream that has
 * been acknowledged is opened again when it ends, with the same request, for as long as there is a host to come. The client
 * has one acknowledgement, and is told that what it listens to may have changed meanwhile.
 */
export interface Listening {
	/** @returns the answer that ends it: to a filter that lets nothing through, or of a host that refuses it */
	listen(request: JSONRPCRequest, signal: AbortSignal): Promise<Answer>;
	/** Whether a message of the host is a further acknowledgement, and is not for the client. */
	takes(message: JSONRPCMessage): boolean;
}

export interface ListeningOptions {
	/** Sends the request; the answer is the end of the stream. */
	readonly open: (request: JSONRPCRequest, signal: AbortSignal) => Promise<Answer>;
	/** Resolves when the host has its modules. */
	readonly ready: () => Promise<void>;
	readonly toClient: (message: JSONRPCNotification) => void;
}

export function createListening({ open, ready, toClient }: ListeningOptions): Listening {
	/** What the host has acknowledged last, by the id of the request; undefined until it has. */
	const acknowledged = new Map<RequestId, Filter | undefined>();

	function isToGoOn(id: RequestId, { answer, error }: Ending): boolean {
		const filter = acknowledged.get(id);
		if (filter === undefined || Object.keys(filter).length === 0) return false;
		if (answer !== undefined) return !isJSONRPCErrorResponse(answer);
		return !(error instanceof SdkHttpError) || (error.status ?? 0) >= FIRST_SERVER_ERROR;
	}

	return {
		async listen(request, signal) {
			const { id } = request;
			acknowledged.set(id, undefined);
			try {
				for (let waitMs = FIRST_WAIT_MS; ; ) {
					const openedAt = performance.now();
					const ending = await endingOf(open(request, signal));
					if (signal.aborted || !isToGoOn(id, ending)) {
						if (ending.answer === undefined) throw ending.error;
						return ending.answer;
					}
					waitMs = performance.now() - openedAt > MAX_WAIT_MS ? FIRST_WAIT_MS : Math.min(waitMs * 1.5, MAX_WAIT_MS);
					await delay(waitMs, undefined, { signal });
					await ready();
				}
			} finally {
				acknowledged.delete(id);
			}
		},
		takes(message) {
			if (!("method" in message) || message.method !== "notifications/subscriptions/acknowledged") return false;
			const { _meta, notifications } = message.params ?? {};
			const id = isRecord(_meta) ? (_meta[SUBSCRIPTION_ID_META_KEY] as RequestId) : undefined;
			if (id === undefined || !acknowledged.has(id)) return false;
			const isFirst = acknowledged.get(id) === undefined;
			const filter = isRecord(notifications) ? notifications : {};
			acknowledged.set(id, filter);
			if (isFirst) return false;
			for (const [field, method] of LISTS) {
				const params = { _meta: { [SUBSCRIPTION_ID_META_KEY]: id } };
				if (filter[field] === true) toClient({ jsonrpc: "2.0", method, params });
			}
			return true;
		},
	};
}

type Answer = JSONRPCResultResponse | JSONRPCErrorResponse;
type Filter = Readonly<Record<string, unknown>>;
interface Ending {
	readonly answer?: Answer;
	readonly error?: unknown;
}

/** A host is away for a moment when it starts again; one that ends each stream at once is not asked all the time. */
const FIRST_WAIT_MS = 300;
const MAX_WAIT_MS = 5000;
/** What a proxy says in place of a host that is away. */
const FIRST_SERVER_ERROR = 500;
const LISTS = [
	["toolsListChanged", "notifications/tools/list_changed"],
	["promptsListChanged", "notifications/prompts/list_changed"],
	["resourcesListChanged", "notifications/resources/list_changed"],
] as const;

function endingOf(answer: Promise<Answer>): Promise<Ending> {
	return answer.then(
		(given) => ({ answer: given }),
		(error: unknown) => ({ error }),
	);
}
