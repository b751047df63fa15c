import type { ServerResponse } from "node:http";
import { InMemoryServerEventBus, type ServerEvent, type ServerEventBus } from "@modelcontextprotocol/server";
import { createChangeNotices, onCaughtUp } from "../sessions/change-notifier.ts";
import { paramsOf } from "../protocol/inbound-request.ts";
import { type RequestScope, requestScope } from "../calls/request-context.ts";
import { isRecord } from "../../../workers/wire/json.ts";

export interface ListenBus extends ServerEventBus {
	/** @param moduleId who says so: clients from whom it is hidden are not told */
	publish(change: ServerEvent, moduleId?: string): void;
}

/**
 * Where the SDK's `subscriptions/listen` streams hear of changes. It puts whatever it hears into its stream, also when the
 * client does not read; so that stream is told no more than the client has read.
 */
export function createListenBus(onError: (error: Error) => void): ListenBus {
	const bus = new InMemoryServerEventBus(onError);
	/** Who says what is being published, which happens in one go. */
	let saidBy: string | undefined;
	return {
		publish(change, moduleId) {
			saidBy = moduleId;
			bus.publish(change);
			saidBy = undefined;
		},
		subscribe(listener) {
			const { listening, origin } = requestScope.getStore() ?? {};
			if (listening === undefined) return bus.subscribe(listener);
			const { response, uris } = listening;
			const changes = createChangeNotices({
				isStalled: () => response.writableNeedDrain,
				subscriptions: uris,
				send: listener,
			});
			onCaughtUp(response, changes.resume);
			const sees = origin?.principal?.sees;
			return bus.subscribe((change) => {
				if (saidBy === undefined || sees?.module(saidBy) !== false) changes.tell(change);
			});
		},
	};
}

/** What the bus has to know of a request; nothing of one that does not listen. */
export function listenScope(response: ServerResponse, body: unknown): Pick<RequestScope, "listening"> {
	const params = paramsOf(body, "subscriptions/listen");
	if (params === undefined) return {};
	const filter = params["notifications"];
	const uris: unknown = isRecord(filter) ? filter["resourceSubscriptions"] : undefined;
	return { listening: { response, uris: new Set(Array.isArray(uris) ? (uris as string[]) : []) } };
}
