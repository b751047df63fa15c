import {
	isJSONRPCErrorResponse,
	isJSONRPCNotification,
	isJSONRPCResultResponse,
	type JSONRPCMessage,
	type JSONRPCNotification,
	type MessageExtraInfo,
	McpServer,
	type Transport,
	type TransportSendOptions,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { McpModule, ModuleContext } from "./contract.ts";
import {
	type AnswerDto,
	type CallDto,
	ERAS,
	type Era,
	LIST_NAMES,
	type ListName,
	MAX_CATALOG_LENGTH,
	MAX_EMITTED_LENGTH,
	type StartDto,
} from "./protocol.ts";
import type { RequestContext } from "./rpc.ts";
import { toWireError } from "./wire-error.ts";

/** The module's `McpServer`s: one long-lived instance per protocol era, built by the module's own function. */
export interface ModuleServer {
	/** One JSON-RPC request. Protocol errors are answers too; only a cancelled call rejects. */
	answer(call: CallDto, context: RequestContext): Promise<AnswerDto>;
	/** JSON text of a `CatalogDto`. @throws when it is longer than `MAX_CATALOG_LENGTH` */
	catalog(): Promise<string>;
	/** Runs the module's function again, for lists that depend on what the module knows now. */
	rebuild(): Promise<void>;
}

export interface ModuleServerOptions {
	readonly register: McpModule;
	readonly context: ModuleContext;
	readonly serverInfo: StartDto["serverInfo"];
	readonly maxResultBytes: number;
	/** An instance said that one of its lists has changed. */
	readonly onListChanged: () => void;
	readonly onResourceUpdated: (uri: string) => void;
}

export async function createModuleServer(options: ModuleServerOptions): Promise<ModuleServer> {
	let instances = await build(options);
	let lastId = 0;

	function request(
		era: Era,
		method: string,
		params: Record<string, unknown>,
		context: RequestContext,
	): Promise<JSONRPCMessage> {
		lastId += 1;
		return instances[era].request(lastId, method, params, context);
	}

	async function list(era: Era, name: ListName): Promise<readonly unknown[]> {
		const params = era === "modern" ? { _meta: HOST_ENVELOPE } : {};
		const response = await request(era, LIST_METHODS[name], params, NO_CONTEXT);
		if (!isJSONRPCResultResponse(response)) return []; // the module registered nothing of the kind
		const entries: unknown = response.result[name];
		return Array.isArray(entries) ? entries : [];
	}

	return {
		async answer({ era, method, params }, context) {
			return { json: answerText(await request(era, method, params, context), options.maxResultBytes) };
		},
		async catalog() {
			const catalog: Record<string, Record<string, readonly unknown[]>> = {};
			for (const era of ERAS) {
				const lists: Record<string, readonly unknown[]> = {};
				for (const name of LIST_NAMES) lists[name] = await list(era, name);
				catalog[era] = lists;
			}
			const json = JSON.stringify(catalog);
			if (json.length > MAX_CATALOG_LENGTH) {
				throw new Error(
					`the module's tools, prompts and resources take ${json.length} characters of JSON, more than the ${MAX_CATALOG_LENGTH} allowed; register fewer of them or shorten their descriptions and schemas`,
				);
			}
			return json;
		},
		async rebuild() {
			const previous = instances;
			instances = await build(options);
			// Calls that run on the previous instances still hold them; they end with their last answer.
			for (const era of ERAS) previous[era].retire();
		},
	};
}

const LIST_METHODS = {
	tools: "tools/list",
	prompts: "prompts/list",
	resources: "resources/list",
	resourceTemplates: "resources/templates/list",
} as const satisfies Record<ListName, string>;

/** What the host says of itself when it lists a module in the 2026-07-28 era, which wants an envelope per request. */
const HOST_ENVELOPE = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "bulkhead", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
};
const NO_CONTEXT: RequestContext = { signal: new AbortController().signal, emit: () => undefined };

type Instances = Readonly<Record<Era, CallTransport>>;

async function build(options: ModuleServerOptions): Promise<Instances> {
	const create = async (): Promise<McpServer> => {
		const server = new McpServer({ ...options.serverInfo }, { capabilities: { logging: {} } });
		await options.register(server, options.context);
		return server;
	};
	const legacy = new CallTransport(options);
	const modern = new CallTransport(options);
	await (await create()).connect(legacy);
	// The SDK's own entry for a long-lived 2026-07-28 connection; the port stands in for stdio.
	serveStdio(create, { transport: modern, legacy: "reject" });
	return { legacy, modern };
}

/** Carries requests of many clients to one server instance, and each answer and notification back to its request. */
class CallTransport implements Transport {
	onclose?: () => void;
	onerror?: (error: Error) => void;
	onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;

	readonly #listeners: Pick<ModuleServerOptions, "onListChanged" | "onResourceUpdated">;
	readonly #pending = new Map<number, { resolve: (response: JSONRPCMessage) => void; emit: (json: string) => void }>();
	#retired = false;

	constructor(listeners: Pick<ModuleServerOptions, "onListChanged" | "onResourceUpdated">) {
		this.#listeners = listeners;
	}

	request(
		id: number,
		method: string,
		params: Record<string, unknown>,
		context: RequestContext,
	): Promise<JSONRPCMessage> {
		return new Promise((resolve, reject) => {
			const onAbort = (): void => {
				this.#pending.delete(id);
				this.#closeIfDone();
				const reason = String(context.signal.reason);
				this.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id, reason } });
				reject(new Error(`cancelled: ${reason}`));
			};
			this.#pending.set(id, {
				emit: context.emit,
				resolve: (response) => {
					context.signal.removeEventListener("abort", onAbort);
					resolve(response);
				},
			});
			context.signal.addEventListener("abort", onAbort, { once: true });
			this.onmessage?.({ jsonrpc: "2.0", id, method, params });
		});
	}

	/** Closes once the last running request has been answered. */
	retire(): void {
		this.#retired = true;
		this.#closeIfDone();
	}

	async start(): Promise<void> {
		// Nothing to open: messages arrive through `request`.
	}

	async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
		if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) {
			const id = Number(message.id);
			const request = this.#pending.get(id);
			this.#pending.delete(id);
			request?.resolve(message);
			this.#closeIfDone();
		} else if (isJSONRPCNotification(message)) {
			this.#notify(message, options?.relatedRequestId);
		} else {
			throw new Error("a request to the client is not possible from here: return inputRequired(…) instead");
		}
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	#notify(message: JSONRPCNotification, relatedRequestId: string | number | undefined): void {
		const { method, params } = message;
		const request = relatedRequestId === undefined ? undefined : this.#pending.get(Number(relatedRequestId));
		if (request !== undefined) {
			const json = JSON.stringify({ method, params });
			if (json.length > MAX_EMITTED_LENGTH) {
				throw new Error(
					`a ${method} of ${json.length} characters is longer than the ${MAX_EMITTED_LENGTH} allowed; send less`,
				);
			}
			request.emit(json);
		} else if (method.endsWith("/list_changed")) {
			if (!this.#retired) this.#listeners.onListChanged();
		} else if (method === "notifications/resources/updated" && typeof params?.["uri"] === "string") {
			this.#listeners.onResourceUpdated(params["uri"]);
		}
	}

	#closeIfDone(): void {
		if (this.#retired && this.#pending.size === 0) void this.close();
	}
}

const INTERNAL_ERROR = -32603;

/** The response without its envelope as text of bounded size. Whatever the module returned, this is valid JSON. */
function answerText(response: JSONRPCMessage, maxBytes: number): string {
	try {
		const json = JSON.stringify(
			isJSONRPCErrorResponse(response)
				? { error: response.error }
				: isJSONRPCResultResponse(response)
					? { result: response.result }
					: {},
		);
		const bytes = Buffer.byteLength(json);
		if (bytes <= maxBytes) return json;
		return errorText(
			`the result takes ${bytes} bytes, more than CALL_MAX_RESULT_BYTES (${maxBytes}); return less, or a link to a resource`,
		);
	} catch (thrown) {
		return errorText(`the result cannot be turned into JSON: ${toWireError(thrown).message}`);
	}
}

function errorText(message: string): string {
	return JSON.stringify({ error: { code: INTERNAL_ERROR, message } });
}
