import { assertNever } from "../../core/errors.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { TaskOwners } from "./task-owners.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import type { IncomingCall } from "./call.ts";

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
			return single(tasks.owner(String(params["taskId"]), origin.authInfo?.clientId));
		default:
			return assertNever(method);
	}
}

function single(owner: string | undefined): readonly string[] {
	return owner === undefined ? [] : [owner];
}
