import { MAX_TASK_ID_LENGTH, type ROOTS_CHANGED } from "../../../workers/wire/messages.ts";
import { BulkheadError } from "../../core/errors.ts";
import type { Host } from "../../host/host.ts";
import { readCallAnswer } from "./parse-answer.ts";
import { callLabels, identifyCall } from "./call-labels.ts";
import { callOwners, grantedOwners } from "./call-routing.ts";
import { type CallLimits, type CallLoad, createCallQueues } from "./call-queue.ts";
import type { Catalog } from "../catalog/catalog.ts";
import {
	isNotFound,
	moduleError,
	NotFound,
	type RequestErrorType,
	requestFailure,
	toolErrorType,
} from "./protocol-errors.ts";
import { type CallAnswer, type CallClient, createRelay, type RunningCall } from "./call-relay.ts";
import type { Startup } from "./startup.ts";
import { createTaskOwners, requireTasks } from "./task-owners.ts";
import { traceCall, traceWork, underSpan } from "./call-trace.ts";
import type { Tracer } from "../../telemetry/tracer.ts";
import { withTraceContext } from "./trace-context.ts";
import { type CallOrigin, type ForwardedMethod, type IncomingCall, ownerOf } from "./call.ts";
import { type Era } from "../../../workers/wire/catalog.ts";

export type { RequestErrorType } from "./protocol-errors.ts";

export interface GatewayOptions {
	readonly host: Pick<Host, "call">;
	readonly catalog: Catalog;
	readonly startup: Startup;
	/**
	 * How long a call of the module may take, its wait for a turn included. Where a read has several modules to ask, the
	 * longest of theirs holds for it as a whole.
	 */
	readonly callTimeoutMs: (moduleId: string) => number;
	/** Calls of one module that run at a time, and that wait. */
	readonly callLimits: (moduleId: string) => CallLimits;
	/** Something was asked for that its owner has and who asks may not use. It is answered as what nobody has. */
	readonly onHidden?: (method: ForwardedMethod) => void;
	/** Called when a request begins; what it returns is called when it ends. */
	readonly observe: (request: ObservedRequest) => (outcome: RequestOutcome) => void;
	/** Undefined where nothing is traced. */
	readonly tracer?: Tracer | undefined;
}

export interface ObservedRequest {
	/** Of MCP; `other` for one that MCP has not. */
	readonly method: string;
	/** The registered name of the tool or prompt; undefined when no module has it. */
	readonly name: string | undefined;
	/** The first of those that are asked. */
	readonly module?: string | undefined;
	/** Of one that modules answer. */
	readonly call?: ObservedCall;
}

export interface ObservedCall {
	/** The modules to ask, in order. */
	readonly owners: readonly string[];
	/** What the client has named: a tool, a prompt, a URI, a task. */
	readonly target: string;
	readonly origin: CallOrigin;
}
export type RequestOutcome =
	| { readonly status: "success"; readonly bytes: number; readonly requestBytes?: number }
	/** `bytes` of a result that says it is an error; other errors have none. `requestBytes` where a module was asked. */
	| {
			readonly status: "error";
			readonly errorType: RequestErrorType;
			readonly bytes?: number;
			readonly requestBytes?: number;
	  };

/** Has MCP requests answered in the worker of the module that owns the name. */
export interface Gateway {
	/** @param onStreaming called once, when the module has something for its client before the answer */
	begin(call: IncomingCall, onStreaming?: () => void): RunningCall;
	/**
	 * Tells a module what the client of a session has said to it, and resolves when it has dealt with that, or failed to.
	 *
	 * @returns false when it has not been told: it has as many calls as it may have, and is to be told later
	 */
	tell(moduleId: string, method: typeof ROOTS_CHANGED, origin: CallOrigin, client: CallClient): Promise<boolean>;
	/** What the module's own resource list says now, templates' list callbacks included; undefined when it does not say. */
	listResources(
		moduleId: string,
		era: Era,
		params: IncomingCall["params"],
		origin: CallOrigin,
	): Promise<readonly unknown[] | undefined>;
	/** Resolves when the lists are what they will be once the host has started, or when that takes too long. */
	listed(): Promise<void>;
	/** Calls of a module that wait for their turn, and that have been given to its worker. */
	load(moduleId: string): CallLoad;
	/** The module that has a task; undefined for one that this client has not created. */
	taskOwner(taskId: string, origin: CallOrigin): string | undefined;
	/**
	 * How a task is now, as its module answers `tasks/get`. Not counted as a request: nobody has made one.
	 *
	 * @throws {ProtocolError} NotFound where `taskOwner` knows no owner
	 */
	getTask(task: TaskInquiry): Promise<CallAnswer["result"]>;
	/** The module is gone: nobody has its tasks any more. */
	removed(moduleId: string): void;
}

export interface TaskInquiry {
	readonly taskId: string;
	/** `_meta` of the request on whose behalf the module is asked. */
	readonly meta: unknown;
	readonly origin: CallOrigin;
}

export function createGateway(options: GatewayOptions): Gateway {
	const { host, catalog, startup, observe, callTimeoutMs, tracer } = options;
	const queues = createCallQueues(options.callLimits);
	const tasks = createTaskOwners();

	function ownersOf(call: IncomingCall): readonly string[] {
		const owners = callOwners(call, catalog, tasks);
		const granted = grantedOwners(call, owners);
		if (owners.length > 0 && granted.length === 0) options.onHidden?.(call.method);
		return granted;
	}

	async function answer(call: IncomingCall, listeners: CallListeners): Promise<CallAnswer> {
		let owners = ownersOf(call);
		if (!startup.isOver()) {
			// What was offered before is known before its module is found, and what is new when all have started.
			await (owners.length > 0 ? Promise.all(owners.map(startup.found)) : startup.settled());
			owners = ownersOf(call);
		}
		const name = owners.length > 0 && typeof call.params["name"] === "string" ? call.params["name"] : undefined;
		identifyCall(call);
		const ended = observe({
			method: call.method,
			name,
			module: owners[0],
			call: { owners, target: targetOf(call), origin: call.origin },
		});
		const span = tracer && traceCall(tracer, call, name);
		const traced = span === undefined ? call : { ...call, params: underSpan(call.params, span) };
		let requestBytes: number | undefined;
		const sized = { ...listeners, onParams: (json: string) => void (requestBytes = json.length) };
		const asked = (): { readonly requestBytes?: number } => (requestBytes === undefined ? {} : { requestBytes });
		try {
			const given = await firstAnswer(owners, traced, sized);
			span?.end({}, given.result["isError"] === true ? "tool_error" : undefined);
			ended(
				given.result["isError"] === true
					? { status: "error", errorType: toolErrorType(given.result), bytes: given.json.length, ...asked() }
					: { status: "success", bytes: given.json.length, ...asked() },
			);
			return given;
		} catch (error) {
			span?.end({}, failureTypeOf(error));
			const failure = requestFailure(error);
			ended({ status: "error", errorType: failure.errorType, ...asked() });
			throw failure.error;
		}
	}

	async function firstAnswer(
		owners: readonly string[],
		call: IncomingCall,
		listeners: CallListeners,
	): Promise<CallAnswer> {
		let notFound: unknown;
		let leftMs = Math.max(...owners.map(callTimeoutMs));
		for (const owner of owners) {
			call.origin.called?.add(owner);
			const askedAt = performance.now();
			try {
				const given = await ask(owner, call.method, call, listeners, Math.min(callTimeoutMs(owner), leftMs));
				if (given.result["resultType"] === "task") keepTask(owner, call, given.result["taskId"]);
				return given;
			} catch (error) {
				if (call.method !== "resources/read" || !isNotFound(error)) throw error;
				notFound = error; // another module's template may match, in the time that is left
				leftMs = Math.max(1, Math.floor(leftMs - (performance.now() - askedAt)));
			}
		}
		throw notFound ?? new NotFound(call.method, call.params);
	}

	/** @throws {ProtocolError} when the client cannot ask for the task, or the task is not the module's */
	function keepTask(owner: string, { params, origin }: IncomingCall, taskId: unknown): void {
		requireTasks(params["_meta"]);
		const valid = typeof taskId === "string" && taskId.length <= MAX_TASK_ID_LENGTH;
		if (!valid || !tasks.add(taskId, owner, ownerOf(origin))) throw moduleError(undefined);
	}

	async function ask(
		owner: string,
		method: string,
		{ era, params, origin }: Omit<IncomingCall, "method">,
		listeners: CallListeners,
		timeoutMs = callTimeoutMs(owner),
	): Promise<CallAnswer> {
		const { client, session, authInfo, trace } = origin;
		const queue = queues.of(owner);
		let deadlineMs = timeoutMs;
		if (!queue.enter()) {
			const askedAt = performance.now();
			await queue.wait(client, deadlineMs, listeners.signal);
			deadlineMs = Math.max(1, Math.ceil(deadlineMs - (performance.now() - askedAt)));
		}
		const span = tracer && traceWork(tracer, owner, method, params, trace);
		let failure: string | undefined;
		let over: Promise<void> | undefined;
		const onLeftRunning = (ends: Promise<void>): void => void (over = ends);
		try {
			const text = JSON.stringify(span === undefined ? withTraceContext(params, trace) : underSpan(params, span));
			listeners.onParams?.(text);
			const call = {
				era,
				method,
				params: text,
				...(session !== undefined && { client: session }),
				...(authInfo !== undefined && { authInfo }),
			};
			const labels = callLabels(method, params, origin);
			return readCallAnswer((await host.call(owner, call, { deadlineMs, onLeftRunning, labels, ...listeners })).json);
		} catch (error) {
			failure = failureTypeOf(error);
			throw error;
		} finally {
			span?.end({}, failure);
			// What its module goes on with although nobody waits for it keeps its place.
			if (over === undefined) queue.leave();
			else void over.then(queue.leave);
		}
	}

	return {
		begin(call, onStreaming = () => undefined) {
			const controller = new AbortController();
			const relay = createRelay(call.params, onStreaming);
			const { onEmitted, onAsked } = relay;
			const running = answer(call, {
				signal: controller.signal,
				onEmitted,
				...(call.origin.session !== undefined && { onAsked }),
			});
			return { answer: running, attach: relay.attach, cancel: (reason) => controller.abort(reason) };
		},
		async tell(moduleId, method, origin, client) {
			const relay = createRelay({}, () => undefined);
			relay.attach(client);
			const { onEmitted, onAsked } = relay;
			const listeners = { signal: new AbortController().signal, onEmitted, onAsked };
			try {
				await ask(moduleId, method, { era: "legacy", params: {}, origin }, listeners);
			} catch (error) {
				requestFailure(error); // throws what is a fault of ours
				return !(error instanceof BulkheadError && error.code === "MODULE_BUSY");
			}
			return true;
		},
		async listResources(moduleId, era, params, origin) {
			try {
				const listeners = { signal: new AbortController().signal, onEmitted: () => undefined };
				const timeoutMs = Math.min(callTimeoutMs(moduleId), LIST_TIMEOUT_MS);
				const { result } = await ask(moduleId, "resources/list", { era, params, origin }, listeners, timeoutMs);
				return Array.isArray(result["resources"]) ? (result["resources"] as readonly unknown[]) : undefined;
			} catch (error) {
				requestFailure(error); // throws what is a fault of ours
				return undefined;
			}
		},
		listed: startup.listed,
		load: queues.load,
		taskOwner: (taskId, origin) => ownersOf({ era: "modern", method: "tasks/get", params: { taskId }, origin })[0],
		async getTask({ taskId, meta, origin }) {
			const call = { era: "modern", method: "tasks/get", params: { taskId, _meta: meta }, origin } as const;
			const [owner] = ownersOf(call);
			try {
				if (owner === undefined) throw new NotFound(call.method, call.params);
				const listeners = { signal: new AbortController().signal, onEmitted: () => undefined };
				return (await ask(owner, call.method, call, listeners)).result;
			} catch (error) {
				throw requestFailure(error).error;
			}
		},
		removed: tasks.remove,
	};
}

function targetOf({ params }: IncomingCall): string {
	const target = params["name"] ?? params["uri"] ?? params["taskId"];
	return typeof target === "string" ? target : "";
}

/** A list is better old than late. */
const LIST_TIMEOUT_MS = 2000;

type CallListeners = Pick<Parameters<Host["call"]>[2], "onEmitted" | "onAsked"> & {
	readonly signal: AbortSignal;
	/** Called with the JSON text of the parameters, each time that a module is asked. */
	readonly onParams?: (json: string) => void;
};

function failureTypeOf(error: unknown): string {
	return error instanceof BulkheadError ? error.code : error instanceof Error ? error.name : "unknown";
}
