import { Server, type ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { TASKS_EXTENSION } from "../../workers/wire/messages.ts";
import type { Catalog } from "./catalog/catalog.ts";
import { createClientRequests } from "./protocol/client-requests.ts";
import { type Gateway } from "./calls/gateway.ts";
import { passesLogLevel } from "./protocol/log-level.ts";
import { visibleEntries } from "./catalog/visible-entries.ts";
import type { CatalogKey } from "./catalog/catalog-key.ts";
import { pageOf } from "./catalog/pagination.ts";
import { useLegacyNotFoundCode } from "./protocol/not-found-code.ts";
import { FORWARDED_PARAMS, LIST_PARAMS, LOG_LEVEL_PARAMS } from "./protocol/request-params.ts";
import type { RequestStateSeal } from "./protocol/request-state.ts";
import { currentOrigin, requestScope } from "./calls/request-context.ts";
import { withoutStamps } from "./protocol/result-meta.ts";
import { type CallClient, NOBODY } from "./calls/call-relay.ts";
import { requireTasks, TASK_METHODS } from "./calls/task-owners.ts";
import { isRecord } from "../../workers/wire/json.ts";
import { type ListedDto, type ListName } from "../../workers/wire/catalog.ts";
import { type CallOrigin, FORWARDED_METHODS, type ForwardedMethod, ownerOf } from "./calls/call.ts";
import type { SessionState } from "./sessions/session-state.ts";
import { type Era } from "../../workers/wire/catalog.ts";

export interface ProtocolServerOptions {
	readonly gateway: Gateway;
	readonly catalog: Catalog;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly requestState: RequestStateSeal;
	/** Entries of a list in one answer. */
	readonly pageSize: number;
	/** What went wrong beside an answer: a notification that could not be sent, say. */
	readonly onError: (error: Error) => void;
}

/**
 * A server of the SDK for one request, or for one session, without a module's code in it: lists come from the catalog,
 * everything else from the module that owns the name.
 */
export function createProtocolServer(options: ProtocolServerOptions, era: Era, session?: SessionState): Server {
	const { gateway, catalog, requestState, pageSize } = options;
	const hasTasks = era === "modern" && catalog.hasTasks();
	const server = new Server(
		{ ...options.serverInfo },
		{
			capabilities: {
				...(era === "legacy" && session === undefined ? STATELESS_CAPABILITIES : CAPABILITIES),
				...(hasTasks && { extensions: { [TASKS_EXTENSION]: {} } }),
			},
			cacheHints: ownerOf(currentOrigin()) === undefined ? SHARED_CACHE_HINTS : OWN_CACHE_HINTS,
			requestState: { verify: requestState.verify },
			inputRequired: { legacyShim: false }, // a module's own server does that
		},
	);
	server.onerror = options.onError;
	if (era === "legacy") useLegacyNotFoundCode(server);

	function list(name: ListName, params: ListParams, all = catalog.list(name, era)): never {
		const origin = currentOrigin();
		const keyOf = (entry: ListedDto): CatalogKey => catalog.keyOf(name, entry);
		const shown = visibleEntries(origin.principal?.sees, name, all, keyOf);
		const { entries, nextCursor } = pageOf(shown, keyOf, params.cursor, pageSize, ownerOf(origin));
		// The entries are as the module's own server listed them, for this era.
		return { [name]: entries, ...(nextCursor !== undefined && { nextCursor }) } as never;
	}

	async function listOnceStarted(name: ListName, params: ListParams): Promise<never> {
		await gateway.listed();
		return list(name, params);
	}

	server.setRequestHandler("tools/list", LIST_PARAMS, (params) => listOnceStarted("tools", params));
	server.setRequestHandler("prompts/list", LIST_PARAMS, (params) => listOnceStarted("prompts", params));
	server.setRequestHandler("resources/templates/list", LIST_PARAMS, (params) =>
		listOnceStarted("resourceTemplates", params),
	);
	server.setRequestHandler("resources/list", LIST_PARAMS, async (params, context) => {
		await gateway.listed();
		return list("resources", params, catalog.resources(era, await listResources(context)));
	});
	server.setRequestHandler("logging/setLevel", LOG_LEVEL_PARAMS, (params) => {
		if (session !== undefined) session.logLevel = params.level;
		return {};
	});
	for (const method of FORWARDED_METHODS) {
		if (method === "tools/call") {
			server.setRequestHandler(method, (incoming, context) => forward(method, incoming.params, context) as never);
		} else {
			server.setRequestHandler(method, FORWARDED_PARAMS[method], (params, context) => forward(method, params, context));
		}
	}

	if (hasTasks) {
		for (const method of TASK_METHODS) {
			server.setRequestHandler(method, { params: TASK_PARAMS }, (params, context) => {
				requireTasks(context.mcpReq.envelope);
				return forward(method, params, context);
			});
		}
	}

	/** What modules with a template list for this request: they may make it up for who asks. Without those that do not say. */
	async function listResources(context: ServerContext): Promise<ReadonlyMap<string, readonly unknown[]>> {
		const params = { _meta: metaOf(context) };
		const listed = new Map<string, readonly unknown[]>();
		await Promise.all(
			catalog.templateModules().map(async (moduleId) => {
				if (currentOrigin().principal?.sees.module(moduleId) === false) return;
				const entries = await gateway.listResources(moduleId, era, params, originOf());
				if (entries !== undefined) listed.set(moduleId, entries);
			}),
		);
		return listed;
	}

	async function forward(
		method: ForwardedMethod,
		incoming: object | undefined,
		context: ServerContext,
	): Promise<Readonly<Record<string, unknown>>> {
		const { mcpReq } = context;
		const target = targetOf(method, { ...incoming });
		// The SDK has taken the 2026-07-28 envelope out of `_meta` and the client's input out of the parameters; the
		// module's own server expects them where the client put them.
		const verified: unknown = mcpReq.requestState();
		const params = {
			...incoming,
			_meta: metaOf(context),
			...(mcpReq.inputResponses !== undefined && { inputResponses: mcpReq.inputResponses }),
			...(verified !== undefined && { requestState: requestState.open(verified, target) }),
		};
		const call =
			requestScope.getStore()?.takeCall?.(method) ?? gateway.begin({ era, method, params, origin: originOf() });
		const onAbort = (): void => call.cancel(String(mcpReq.signal.reason));
		mcpReq.signal.addEventListener("abort", onAbort, { once: true });
		call.attach(clientOf(context));
		try {
			const { result } = await call.answer;
			if (result["resultType"] === "task") return { ...withoutStamps(result), resultType: "task" };
			if (result["resultType"] !== "input_required") return withoutStamps(result);
			if (typeof result["requestState"] !== "string") return { ...result };
			return { ...result, requestState: await requestState.seal(result["requestState"], target, context) };
		} finally {
			mcpReq.signal.removeEventListener("abort", onAbort);
		}
	}

	function originOf(): CallOrigin {
		return session === undefined ? currentOrigin() : session.origin(currentOrigin());
	}

	function clientOf({ mcpReq, http }: ServerContext): CallClient {
		const isGone = requestScope.getStore()?.isGone;
		const ask = createClientRequests({ capabilities: () => server.getClientCapabilities(), send: mcpReq.send });
		let sent = Promise.resolve();
		let silent = true;
		return {
			notify(notification) {
				const threshold = era === "modern" ? modernLogLevel(mcpReq.envelope) : session?.logLevel;
				if (!passesLogLevel(notification, threshold)) return;
				silent = false;
				sent = mcpReq.notify(notification as never).catch(options.onError);
			},
			closeStream(which) {
				const close = which === "session" ? http?.closeStandaloneSSE : http?.closeSSE;
				void sent.then(close); // what the module sent before is on the stream before it closes
			},
			ask(...asked) {
				if (silent && isGone?.() === true) return NOBODY.ask(...asked);
				silent = false;
				return ask(...asked);
			},
		};
	}

	return server;
}

interface ListParams {
	readonly cursor?: string | undefined;
}
const TASK_PARAMS = z.looseObject({ taskId: z.string() });
const CAPABILITIES = {
	tools: { listChanged: true },
	prompts: { listChanged: true },
	resources: { listChanged: true, subscribe: true },
	completions: {},
	logging: {},
};
/** A 2025-era client without a session has no stream to be told on. */
const STATELESS_CAPABILITIES = { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} };

/** Lists change when a file is saved, and clients that listen are told; those that do not ask again after this. */
const LIST_TTL_MS = 5000;
const OWN_CACHE_HINTS = cacheHints("private");
/** Where nobody says who they are, everybody sees the same. */
const SHARED_CACHE_HINTS = cacheHints("public");

function cacheHints(cacheScope: "private" | "public") {
	const hint = { ttlMs: LIST_TTL_MS, cacheScope };
	return {
		"tools/list": hint,
		"prompts/list": hint,
		"resources/list": hint,
		"resources/templates/list": hint,
		"server/discover": hint,
	};
}

function metaOf({ mcpReq }: ServerContext): Record<string, unknown> {
	return { ...mcpReq._meta, ...mcpReq.envelope };
}

/** What a request is for, to tell apart the states of its rounds. */
function targetOf(method: ForwardedMethod, params: Readonly<Record<string, unknown>>): string {
	return JSON.stringify([method, params["name"] ?? params["uri"]]);
}

/** The level that a 2026-07-28 request asks for; null when it asks for no messages. */
function modernLogLevel(envelope: unknown): string | null {
	const level = isRecord(envelope) ? envelope["io.modelcontextprotocol/logLevel"] : undefined;
	return typeof level === "string" ? level : null;
}
