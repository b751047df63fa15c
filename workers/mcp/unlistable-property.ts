import { isRecord } from "../wire/json.ts";

/** The property, dotted, for which a tool or prompt cannot be listed; empty where it is not one property. */
export function unlistableProperty(registered: object): string {
	for (const [field, io] of SCHEMAS) {
		const schema: unknown = (registered as Readonly<Record<string, unknown>>)[field];
		if (schema === undefined || converts(schema, io)) continue;
		const path = pathOf(schema, io, MAX_DEPTH);
		return path === "" ? field : path;
	}
	return "";
}

/** Where a registered tool or prompt has its schemas, and for which side of them it is listed. */
const SCHEMAS = [
	["inputSchema", "input"],
	["argsSchema", "input"],
	["outputSchema", "output"],
] as const;
type Side = (typeof SCHEMAS)[number][1];

const MAX_DEPTH = 5;

function pathOf(schema: unknown, io: Side, depth: number): string {
	const shape = property(schema, "shape");
	if (!isRecord(shape) || depth === 0) return "";
	for (const [name, each] of Object.entries(shape)) {
		if (converts(each, io)) continue;
		const inner = pathOf(each, io, depth - 1);
		return inner === "" ? name : `${name}.${inner}`;
	}
	return "";
}

/** As the SDK does it. What has no way to be converted, as of zod 3, is not converted. */
function converts(schema: unknown, io: Side): boolean {
	const convert = property(property(property(schema, "~standard"), "jsonSchema"), io);
	if (typeof convert !== "function") return false;
	try {
		(convert as (options: object) => unknown)({ target: "draft-2020-12" });
		return true;
	} catch {
		return false;
	}
}

/** Schemas of some libraries are functions. */
function property(value: unknown, key: string): unknown {
	const hasProperties = (typeof value === "object" && value !== null) || typeof value === "function";
	return hasProperties ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
