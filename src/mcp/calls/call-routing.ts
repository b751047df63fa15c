import { SEES_ALL } from "../../auth/principal.ts";
import { assertNever } from "../../core/errors.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { TaskOwners } from "./task-owners.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import { type IncomingCall, ownerOf } from "./call.ts";

/** The modules to ask for a call, in order. More than one only where templates overlap. */
export function callOwners(
	{ method, params, origin }: IncomingCall,
	catalog: Catalog,
	tasks: TaskOwners,
): readonly string[] {
	switch (method) {
		case "tools/call":
			return single(catalog.owner("tools", String(params["name"])));
		case "prompts/get":
			return single(catalog.owner("prompts", String(params["name"])));
		case "resources/read": {
			const uri = String(params["uri"]);
			return [...new Set([...single(catalog.resourceOwner(uri)), ...catalog.templateOwners(uri)])];
		}
		case "completion/complete": {
			const ref = isRecord(params["ref"]) ? params["ref"] : {};
			if (ref["type"] === "ref/prompt") return single(catalog.owner("prompts", String(ref["name"])));
			const uri = String(ref["uri"]);
			return single(catalog.owner("resourceTemplates", uri) ?? catalog.resourceOwner(uri));
		}
		case "tasks/get":
		case "tasks/update":
		case "tasks/cancel":
			return single(tasks.owner(String(params["taskId"]), ownerOf(origin)));
		default:
			return assertNever(method);
	}
}

/** Those of the owners that who calls may use. A name whose owner is hidden is one that nobody has. */
export function grantedOwners({ method, params, origin }: IncomingCall, owners: readonly string[]): readonly string[] {
	const { sees } = origin.principal ?? { sees: SEES_ALL };
	if (sees.all) return owners;
	const name = String(params["name"]);
	return owners.filter((owner) => (method === "tools/call" ? sees.entry("tools", name, owner) : sees.module(owner)));
}

function single(owner: string | undefined): readonly string[] {
	return owner === undefined ? [] : [owner];
}
