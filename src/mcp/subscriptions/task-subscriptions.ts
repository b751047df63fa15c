import { randomUUID } from "node:crypto";
import { type McpHttpHandler, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { Gateway } from "../calls/gateway.ts";
import { paramsOf } from "../protocol/inbound-request.ts";
import { currentOrigin } from "../calls/request-context.ts";
import { createTaskInquiries } from "./task-poller.ts";
import { openTaskStream, type TaskStream } from "./task-stream.ts";
import { requireTasks } from "../calls/task-owners.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import type { CallOrigin } from "../calls/call.ts";

/** `notifications/tasks` (SEP-2663) for the clients that listen: the SDK's `subscriptions/listen` knows no tasks. */
export interface TaskNotices {
	/** The SDK's own, with the tasks that a `subscriptions/listen` names on its stream. */
	readonly fetch: McpHttpHandler["fetch"];
	/** The module says that a task has another state; those that listen for it are told if the task is this module's. */
	changed(moduleId: string, taskId: string): void;
	/**
	 * Another generation of the module serves: those that listen for its tasks are told how these are. What it said while it
	 * started, and what it could not answer while it was away, is made up for.
	 */
	serving(moduleId: string): void;
}

export interface TaskNoticesOptions {
	readonly fetch: McpHttpHandler["fetch"];
	readonly gateway: Pick<Gateway, "taskOwner" | "getTask">;
	/** Whether the extension is declared. Where it is not, its part of a filter is one of those that nobody knows. */
	readonly hasTasks: () => boolean;
	readonly onError: (error: Error) => void;
}

export function createTaskNotices({ fetch, gateway, hasTasks, onError }: TaskNoticesOptions): TaskNotices {
	const inquiries = createTaskInquiries(gateway.getTask);
	const open = new Set<TaskStream>();
	const byTask = new Map<string, Set<TaskStream>>();

	/** The modules of the tasks that the client may listen for, by task. */
	function accept(taskIds: readonly unknown[], origin: CallOrigin): ReadonlyMap<string, string> {
		const accepted = new Map<string, string>();
		for (const taskId of taskIds) {
			const owner = typeof taskId === "string" ? gateway.taskOwner(taskId, origin) : undefined;
			if (owner !== undefined) accepted.set(String(taskId), owner);
			if (accepted.size === MAX_TASKS_LISTENED_FOR) break;
		}
		return accepted;
	}

	function openStream(
		sdk: ReadableStream<Uint8Array>,
		listen: TaskListen,
		tasks: ReadonlyMap<string, string>,
	): TaskStream {
		const { id, meta, origin } = listen;
		const stream = openTaskStream({
			sdk,
			subscriptionId: id,
			mark: MARK,
			tasks,
			ask: (moduleId, taskId, signal) => inquiries.ask(moduleId, { taskId, meta, origin }, signal),
			onError,
			onClosed() {
				open.delete(stream);
				for (const taskId of tasks.keys()) {
					const listening = byTask.get(taskId);
					listening?.delete(stream);
					if (listening?.size === 0) byTask.delete(taskId);
				}
			},
		});
		open.add(stream);
		for (const taskId of tasks.keys()) byTask.set(taskId, (byTask.get(taskId) ?? new Set()).add(stream));
		return stream;
	}

	return {
		async fetch(request, options) {
			const listen = hasTasks() ? readTaskListen(options?.parsedBody) : undefined;
			if (listen === undefined) return fetch(request, options);
			const problem = problemOf(listen);
			const tasks = problem === undefined ? accept(listen.taskIds as unknown[], listen.origin) : NO_TASKS;
			// The SDK first: whatever else is wrong with the request is for it to refuse.
			const response = await fetch(request, tasks.size === 0 ? options : { ...options, parsedBody: listen.marked });
			const { body, headers } = response;
			if (body === null || headers.get("content-type") !== EVENT_STREAM) return response;
			if (problem !== undefined) {
				await body.cancel();
				return refusal(listen.id, problem);
			}
			return tasks.size === 0 ? response : new Response(openStream(body, listen, tasks).body, { headers });
		},
		changed(moduleId, taskId) {
			for (const stream of byTask.get(taskId) ?? []) stream.changed(moduleId, taskId);
		},
		serving(moduleId) {
			for (const stream of open) stream.serving(moduleId);
		},
	};
}

/** Tasks that one stream tells of; what a client names beyond them is not acknowledged. */
const MAX_TASKS_LISTENED_FOR = 100;
const NO_TASKS: ReadonlyMap<string, string> = new Map();
const EVENT_STREAM = "text/event-stream";
/**
 * A resource that is never updated, which the SDK is told the client subscribes to: it ends a stream at once that has
 * nothing to tell of what it knows itself.
 */
const MARK = `urn:uuid:${randomUUID()}`;

interface TaskListen {
	readonly id: unknown;
	readonly meta: unknown;
	readonly origin: CallOrigin;
	/** As the client sent them. */
	readonly taskIds: unknown;
	/** The request, with the mark among the resources. */
	readonly marked: unknown;
}

/** Undefined for everything but a request to listen for tasks. */
function readTaskListen(body: unknown): TaskListen | undefined {
	const params = paramsOf(body, "subscriptions/listen");
	if (!isRecord(body) || params === undefined) return undefined;
	const filter = params["notifications"];
	if (!isRecord(filter) || filter["taskIds"] === undefined) return undefined;
	const { taskIds, resourceSubscriptions: resources = [] } = filter;
	// What is no list is left to the SDK, which says so.
	const resourceSubscriptions: unknown = Array.isArray(resources) ? [...(resources as unknown[]), MARK] : resources;
	return {
		id: body["id"],
		meta: params["_meta"],
		origin: currentOrigin(),
		taskIds,
		marked: { ...body, params: { ...params, notifications: { ...filter, resourceSubscriptions } } },
	};
}

function problemOf({ meta, taskIds }: TaskListen): ProtocolError | undefined {
	try {
		requireTasks(meta);
	} catch (error) {
		if (error instanceof ProtocolError) return error;
		throw error;
	}
	if (Array.isArray(taskIds) && taskIds.every((taskId) => typeof taskId === "string")) return undefined;
	return new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid params: 'taskIds' must be a list of strings");
}

function refusal(id: unknown, { code, message, data }: ProtocolError): Response {
	const status = code === ProtocolErrorCode.MissingRequiredClientCapability ? 400 : 200; // as the SDK answers them
	return Response.json(
		{ jsonrpc: "2.0", error: { code, message, ...(data !== undefined && { data }) }, id },
		{ status },
	);
}
