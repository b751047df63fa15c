import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import type { Era, ListName, UnlistedDto } from "../wire/catalog.ts";
import { isRecord } from "../wire/json.ts";
import type { CallTransport } from "./call-transport.ts";
import type { Registrations, Switchable } from "./registrations.ts";
import { HOST_ENVELOPE, NO_CONTEXT } from "./server-pool.ts";
import { unlistableProperty } from "./unlistable-property.ts";

export interface Listed {
	readonly entries: readonly unknown[];
	/** What the module has registered and the SDK cannot list. */
	readonly unlisted: readonly UnlistedDto[];
}

/** One list of a module's server, as a client of the era would get it, without what cannot be listed. */
export async function listOf(
	transport: CallTransport,
	{ era, name, registrations }: { readonly era: Era; readonly name: ListName; readonly registrations: Registrations },
): Promise<Listed> {
	const ask = (): Promise<JSONRPCMessage> => {
		const params = era === "modern" ? { _meta: HOST_ENVELOPE } : {};
		return transport.request({ method: LIST_METHODS[name], params }, NO_CONTEXT);
	};
	const { entries, error = "" } = entriesOf(await ask(), name);
	if (entries !== undefined) return { entries, unlisted: [] };
	// The SDK lists all or nothing. One at a time they tell which of them it is.
	const registered = name === "tools" || name === "prompts" ? [...registrations[name]] : [];
	const enabled = registered.filter(([, each]) => each.enabled);
	if (enabled.length === 0) return { entries: [], unlisted: [{ list: name, name: "", path: "", message: error }] };
	return oneByOne(enabled, name, ask);
}

const LIST_METHODS = {
	tools: "tools/list",
	prompts: "prompts/list",
	resources: "resources/list",
	resourceTemplates: "resources/templates/list",
} as const satisfies Record<ListName, string>;

/** What cannot be listed stays switched off: nobody could know of it. Between two of them no other request has its turn. */
async function oneByOne(
	registered: readonly (readonly [string, Switchable])[],
	list: ListName,
	ask: () => Promise<JSONRPCMessage>,
): Promise<Listed> {
	const entries: unknown[] = [];
	const unlisted: UnlistedDto[] = [];
	const listable: Switchable[] = [];
	for (const [, each] of registered) each.enabled = false;
	for (const [name, each] of registered) {
		each.enabled = true;
		const { entries: own, error = "" } = entriesOf(await ask(), list);
		each.enabled = false;
		if (own !== undefined) {
			entries.push(...own);
			listable.push(each);
		} else {
			unlisted.push({ list, name, path: unlistableProperty(each), message: error });
		}
	}
	for (const each of listable) each.enabled = true;
	return { entries, unlisted };
}

/** A server without the method lists nothing: nothing of the kind was registered. Any other error is one. */
function entriesOf(
	response: JSONRPCMessage,
	name: ListName,
): { readonly entries?: readonly unknown[]; readonly error?: string } {
	if ("error" in response) {
		return response.error.code === METHOD_NOT_FOUND ? { entries: [] } : { error: response.error.message };
	}
	const listed: unknown = "result" in response && isRecord(response.result) ? response.result[name] : undefined;
	return Array.isArray(listed)
		? { entries: listed as readonly unknown[] }
		: { error: `its list of ${name} is no array` };
}

const METHOD_NOT_FOUND = -32601;
