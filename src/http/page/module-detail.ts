import { stringify } from "yaml";
import type { ListedDto, ListName } from "../../../workers/wire/catalog.ts";
import { DEFAULT_POLICY, type ModulePolicy } from "../../host/policy/module-policy.ts";
import type { Catalog } from "../../mcp/catalog/catalog.ts";
import { clip } from "./module-entries.ts";
import type { DetailData, OfferData } from "./view/page-data.ts";

/** What a module offers and is granted: the parts of its page that change with a version or with the policy. */
export function moduleDetail(id: string, policy: ModulePolicy, catalog: Pick<Catalog, "list" | "keyOf">): DetailData {
	let more = 0;
	const own = (list: ListName): readonly ListedDto[] => {
		const all = catalog.list(list, "modern").filter((entry) => catalog.keyOf(list, entry).moduleId === id);
		more += Math.max(0, all.length - MAX_SHOWN);
		return all.slice(0, MAX_SHOWN);
	};
	return {
		tools: own("tools").map((entry) => ({ ...offer(entry), input_schema: schemaOf(entry["inputSchema"]) })),
		resources: [...own("resources"), ...own("resourceTemplates")].map(offer),
		prompts: own("prompts").map((entry) => ({ ...offer(entry), arguments: argumentsOf(entry["arguments"]) })),
		more,
		policy: policyLines(id, policy),
		permissions: permissionLines(policy),
	};
}

const MAX_SHOWN = 100;
/** Characters of JSON. A larger schema is in `GET /api/tools`. */
const MAX_SCHEMA_LENGTH = 16_384;

/** A module wrote the entry: of each field it is only taken what is a text. */
function offer(entry: ListedDto): OfferData {
	const { name, title, description, uri, uriTemplate } = entry;
	return {
		name: clip(typeof name === "string" ? name : ""),
		...(typeof title === "string" && { title: clip(title) }),
		...(typeof description === "string" && { description: clip(description) }),
		...(typeof (uri ?? uriTemplate) === "string" && { uri: clip(String(uri ?? uriTemplate)) }),
	};
}

function schemaOf(schema: unknown): unknown {
	const text = JSON.stringify(schema) ?? "";
	return text.length > MAX_SCHEMA_LENGTH ? { $comment: "too long to show: GET /api/tools has it" } : schema;
}

function argumentsOf(given: unknown): readonly string[] {
	if (!Array.isArray(given)) return [];
	const entries: readonly unknown[] = given;
	return entries.slice(0, MAX_SHOWN).flatMap((each) => {
		const name: unknown = (each as { name?: unknown } | null)?.name;
		return typeof name === "string" ? [clip(name)] : [];
	});
}

/** The entry of plugins.yaml that makes the policy: what is as it would be without it is left out, and values of variables. */
function policyLines(id: string, policy: ModulePolicy): string {
	const { env, permissions, ...settings } = policy;
	const standard = DEFAULT_POLICY.of(id);
	const granted = differing(permissions, standard.permissions);
	const variables = Object.entries(env);
	const areNames = variables.every(([, grant]) => "from" in grant);
	const entry = {
		...differing(settings, standard),
		...(Object.keys(granted).length > 0 && { permissions: granted }),
		...(variables.length > 0 && {
			env: areNames
				? variables.map(([name]) => name)
				: Object.fromEntries(
						variables.map(([name, grant]) => [
							name,
							"from" in grant ? true : "file" in grant ? { file: grant.file } : "(not shown)",
						]),
					),
		}),
	};
	return stringify({ modules: { [id]: entry } }, { lineWidth: 0 }).trimEnd();
}

/** The settings of the one that the other does not have, or has otherwise. */
function differing(mine: object, theirs: object): Record<string, unknown> {
	const others = new Map<string, unknown>(Object.entries(theirs));
	return Object.fromEntries(
		Object.entries(mine).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(others.get(key))),
	);
}

function permissionLines({ permissions, env, isolation, sandbox }: ModulePolicy): readonly string[] {
	const { read, write, net, unix, childProcess } = permissions;
	const variables = Object.keys(env);
	return [
		typeof net === "boolean"
			? net
				? "All of the network"
				: "No network"
			: `Connections to ${net.join(", ") || "nothing"}`,
		read.length === 0
			? "Reads its own folder and its packages"
			: `Reads its own folder, its packages, and ${read.join(", ")}`,
		write.length === 0 ? "Writes nothing" : `Writes ${write.join(", ")}`,
		...(unix.length === 0 ? [] : [`Unix sockets ${unix.join(", ")}`]),
		childProcess ? "Starts processes" : "Starts no process",
		variables.length === 0 ? "Sees no variable of the environment" : `Sees the variables ${variables.join(", ")}`,
		...(isolation === "process" ? ["Runs in a process of its own"] : []),
		...(sandbox === undefined ? [] : [`Sandbox: ${sandbox}`]),
	];
}
