import { setTimeout as delay } from "node:timers/promises";
import { ProtocolError, SUBSCRIPTION_ID_META_KEY } from "@modelcontextprotocol/server";
import { TASK_NOTIFICATION } from "../../../workers/wire/messages.ts";
import { withoutStamps } from "../protocol/result-meta.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

/** The stream of one `subscriptions/listen`: what the SDK sends on it, and the states of tasks in between. */
export interface TaskStream {
	readonly body: ReadableStream<Uint8Array>;
	/** The client will be told how the task is, as of when it is told: it may miss a state that has passed. */
	changed(moduleId: string, taskId: string): void;
	/** The client will be told of all tasks of the module that it listens for. */
	serving(moduleId: string): void;
}

export interface TaskStreamOptions {
	/** The SDK's stream; its first event acknowledges the subscription. */
	readonly sdk: ReadableStream<Uint8Array>;
	/** The id of the request. */
	readonly subscriptionId: unknown;
	/** A resource that the client has not asked for. */
	readonly mark: string;
	/** Whose each task is. */
	readonly tasks: ReadonlyMap<string, string>;
	/** How a task of the module is. @throws {ProtocolError} */
	readonly ask: (moduleId: string, taskId: string, signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>;
	readonly onError: (error: Error) => void;
	readonly onClosed: () => void;
}

export function openTaskStream({ sdk, tasks, ask, onError, ...options }: TaskStreamOptions): TaskStream {
	// Without a buffer: what waits for a slow client is one event of each module, whatever the modules send.
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const writer = writable.getWriter();
	const closing = new AbortController();
	/** By module, so that one that does not answer delays no other's tasks. */
	const queues = new Map(
		[...new Set(tasks.values())].map((moduleId) => [moduleId, oneByOne((taskId) => tell(moduleId, taskId))]),
	);

	async function relay(): Promise<void> {
		const reader = sdk.getReader();
		try {
			const first = await reader.read();
			if (first.value !== undefined) await writer.write(acknowledgement(first.value));
			// It may have changed between its creation and now.
			for (const [taskId, moduleId] of tasks) queues.get(moduleId)?.(taskId);
			for (;;) {
				const { value } = await reader.read();
				if (value === undefined) break;
				await writer.write(value);
			}
			await writer.close();
		} catch {
			await reader.cancel().catch(() => undefined); // the client is gone
		} finally {
			closing.abort();
			options.onClosed();
		}
	}

	function acknowledgement(event: Uint8Array): Uint8Array {
		const message = readEvent(event);
		const params = isRecord(message["params"]) ? message["params"] : {};
		const { resourceSubscriptions, ...filter } = isRecord(params["notifications"]) ? params["notifications"] : {};
		const resources = Array.isArray(resourceSubscriptions)
			? (resourceSubscriptions as unknown[]).filter((uri) => uri !== options.mark)
			: [];
		const notifications = {
			...filter,
			...(resources.length > 0 && { resourceSubscriptions: resources }),
			taskIds: [...tasks.keys()],
		};
		return writeEvent({ ...message, params: { ...params, notifications } });
	}

	async function tell(moduleId: string, taskId: string): Promise<void> {
		while (!closing.signal.aborted) {
			try {
				const task = await ask(moduleId, taskId, closing.signal);
				if (task["taskId"] === taskId && TASK_STATES.has(task["status"])) await send(withoutStamps(task));
				return;
			} catch (error) {
				if (closing.signal.aborted) return;
				if (!(error instanceof ProtocolError)) return onError(error as Error);
				if (!mayAnswerLater(error)) return;
			}
			await delay(RETRY_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
		}
	}

	async function send(task: Record<string, unknown>): Promise<void> {
		const meta = isRecord(task["_meta"]) ? task["_meta"] : {};
		const params = { ...task, _meta: { ...meta, [SUBSCRIPTION_ID_META_KEY]: options.subscriptionId } };
		const event = writeEvent({ jsonrpc: "2.0", method: TASK_NOTIFICATION, params });
		await writer.write(event).catch(() => undefined); // the client is gone
	}

	void relay();
	return {
		body: readable,
		changed(moduleId, taskId) {
			if (tasks.get(taskId) === moduleId) queues.get(moduleId)?.(taskId);
		},
		serving(moduleId) {
			const tellOf = queues.get(moduleId);
			if (tellOf === undefined) return;
			for (const [taskId, owner] of tasks) if (owner === moduleId) tellOf(taskId);
		},
	};
}

const TASK_STATES: ReadonlySet<unknown> = new Set(["working", "input_required", "completed", "failed", "cancelled"]);
/** For a module that is busy. */
const RETRY_MS = 1000;
/** The module is away, maybe for good; `serving` says when it is back. */
const AWAY: ReadonlySet<unknown> = new Set(["MODULE_UNAVAILABLE", "MODULE_NOT_FOUND"]);

/** Where the module has lost the task, or says nothing of use, it does not: the client hears as much when it asks. */
function mayAnswerLater({ data }: ProtocolError): boolean {
	return isRecord(data) && data["retryable"] === true && !AWAY.has(data["code"]);
}

/** Runs one at a time, each key once however often it was asked for while it waited. `run` must not reject. */
function oneByOne(run: (key: string) => Promise<void>): (key: string) => void {
	const waiting = new Set<string>();
	let isRunning = false;
	const runAll = async (): Promise<void> => {
		for (const key of waiting) {
			waiting.delete(key); // what is asked for from here on is of a later state
			await run(key);
		}
		isRunning = false;
	};
	return (key) => {
		waiting.add(key);
		if (isRunning) return;
		isRunning = true;
		void runAll();
	};
}

function readEvent(event: Uint8Array): Readonly<Record<string, unknown>> {
	const [, data = ""] = /^data: (.*)$/m.exec(Buffer.from(event).toString()) ?? [];
	const message = parseJson(data);
	return isRecord(message) ? message : {};
}

function writeEvent(message: unknown): Uint8Array {
	return Buffer.from(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}
