import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { listOf } from "./listing.ts";
import { buildInstances, HOST_ENVELOPE, type InstancesOptions, NO_CONTEXT } from "./server-pool.ts";
import { type AnswerDto, type CallDto, RESULT_TOO_LARGE, ROOTS_CHANGED, TASKS_EXTENSION } from "../wire/messages.ts";
import type { RequestContext } from "../wire/rpc-server.ts";
import { toWireError } from "../wire/wire-error.ts";
import { isRecord } from "../wire/json.ts";
import {
	describeUnlisted,
	ERAS,
	LIST_NAMES,
	MAX_CATALOG_LENGTH,
	MAX_UNLISTED,
	type UnlistedDto,
} from "../wire/catalog.ts";

/** The module's `McpServer`s, built by the module's own function and kept as long as what they offer stays the same. */
export interface ModuleServer {
	/**
	 * One JSON-RPC request. Protocol errors are answers too.
	 *
	 * @throws when the call is cancelled; with the code `RESULT_TOO_LARGE` when the answer is longer than `maxResultBytes`
	 */
	answer(call: CallDto, context: RequestContext): Promise<AnswerDto>;
	/** JSON text of a `CatalogDto`. @throws when it is longer than `MAX_CATALOG_LENGTH`, or when nothing can be listed */
	catalog(): Promise<string>;
	/** Runs the module's function again, for lists that depend on what the module knows now. */
	rebuild(): Promise<void>;
}

export interface ModuleServerOptions extends InstancesOptions {
	readonly maxResultBytes: number;
}

export async function createModuleServer(options: ModuleServerOptions): Promise<ModuleServer> {
	let instances = await buildInstances(options);

	async function declaresTasks(): Promise<boolean> {
		const discover = { method: "server/discover", params: { _meta: HOST_ENVELOPE } };
		const response = await instances.modern.request(discover, NO_CONTEXT);
		const capabilities: unknown = "result" in response ? response.result["capabilities"] : undefined;
		const extensions = isRecord(capabilities) ? capabilities["extensions"] : undefined;
		return isRecord(extensions) && TASKS_EXTENSION in extensions;
	}

	return {
		async answer({ era, method, params, client, authInfo }, context) {
			const transport = era === "modern" ? instances.modern : await instances.legacy(client?.kind);
			const incoming = {
				method,
				params: JSON.parse(params) as Readonly<Record<string, unknown>>, // which main has written
				session: client?.session,
				resumable: client?.resumable,
				authInfo,
			};
			if (method === ROOTS_CHANGED) {
				await transport.tell(incoming, context);
				return { json: '{"result":{}}' };
			}
			const response = await transport.request(incoming, context);
			return { json: answerText(response, options.maxResultBytes) };
		},
		async catalog() {
			const catalog: Record<string, unknown> = { tasks: await declaresTasks() };
			const unlisted: UnlistedDto[] = [];
			let count = 0;
			for (const era of ERAS) {
				const transport = era === "modern" ? instances.modern : await instances.legacy(undefined);
				const registrations = instances.registrations(transport);
				const lists: Record<string, readonly unknown[]> = {};
				for (const name of LIST_NAMES) {
					const listed = await listOf(transport, { era, name, registrations });
					lists[name] = listed.entries;
					count += listed.entries.length;
					unlisted.push(...listed.unlisted);
				}
				catalog[era] = lists;
			}
			const [first] = unlisted;
			if (first !== undefined && count === 0)
				throw new Error(`nothing of it can be listed: ${describeUnlisted(first)}`);
			if (first !== undefined) catalog["unlisted"] = unlisted.slice(0, MAX_UNLISTED);
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
			instances = await buildInstances(options);
			previous.retire();
		},
	};
}

const INTERNAL_ERROR = -32603;

/** The response without its envelope as text of bounded size. Whatever the module returned, this is valid JSON. */
function answerText(response: JSONRPCMessage, maxBytes: number): string {
	const json = jsonOf(
		"result" in response ? { result: response.result } : "error" in response ? { error: response.error } : {},
	);
	const bytes = Buffer.byteLength(json);
	if (bytes <= maxBytes) return json;
	const message = `its answer takes ${bytes} bytes, more than CALL_MAX_RESULT_BYTES (${maxBytes}); return less, or a link to a resource`;
	throw Object.assign(new Error(message), { code: RESULT_TOO_LARGE });
}

function jsonOf(answer: object): string {
	try {
		return JSON.stringify(answer);
	} catch (thrown) {
		const message = `the result cannot be turned into JSON: ${toWireError(thrown).message}`;
		return JSON.stringify({ error: { code: INTERNAL_ERROR, message } });
	}
}
