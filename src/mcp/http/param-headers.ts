import { isRecord } from "../../../workers/wire/json.ts";
import { type ListedDto } from "../../../workers/wire/catalog.ts";

/** Reads one header of a request, by its name in lower case. */
export type HeaderReader = (name: string) => string | undefined;

/**
 * Compares the `Mcp-Param-*` headers of a 2026-07-28 `tools/call` with its arguments, as the tool's input schema asks
 * for them with `x-mcp-header`, so that what a proxy decided from the headers is what the tool gets (SEP-2243).
 *
 * @param tools the list as the client sees it; what it declares is worked out once
 * @returns what disagrees, or undefined
 */
export function paramHeaderProblem(
	tools: readonly ListedDto[],
	toolName: string,
	args: unknown,
	header: HeaderReader,
): string | undefined {
	for (const { path, name, numeric } of declarationsOf(tools).get(toolName) ?? []) {
		const value = valueAt(args, path);
		const text = textOf(value);
		if (text === undefined) continue;
		const where = `${path.join(".")}=${JSON.stringify(value)}`;
		const sent = header(`mcp-param-${name.toLowerCase()}`);
		if (sent === undefined) return `the body carries ${where} but the Mcp-Param-${name} header is absent`;
		const decoded = decodeHeader(sent);
		if (decoded === undefined) return `the Mcp-Param-${name} header carries an invalid Base64 value`;
		const equal = numeric && DECIMAL.test(decoded) ? Number(decoded) === value : decoded === text;
		if (!equal) return `the body carries ${where} but the Mcp-Param-${name} header says ${JSON.stringify(decoded)}`;
	}
	return undefined;
}

/**
 * The `Mcp-Param-*` headers of a call, by name: the other side of `paramHeaderProblem`, for a client whose own client
 * speaks no HTTP.
 *
 * @param tools as a 2026-07-28 `tools/list` has named them
 */
export function paramHeadersOf(
	tools: readonly ListedDto[],
	toolName: string,
	args: unknown,
): Readonly<Record<string, string>> {
	const headers: Record<string, string> = {};
	for (const { path, name } of declarationsOf(tools).get(toolName) ?? []) {
		const text = textOf(valueAt(args, path));
		if (text !== undefined) headers[`Mcp-Param-${name}`] = encodeHeader(text);
	}
	return headers;
}

interface Declaration {
	readonly path: readonly string[];
	/** What follows `Mcp-Param-`. */
	readonly name: string;
	readonly numeric: boolean;
}

/** By list, which is replaced as a whole when anything in it changes; only tools that declare something are in it. */
const KNOWN = new WeakMap<readonly ListedDto[], ReadonlyMap<string, readonly Declaration[]>>();

function declarationsOf(tools: readonly ListedDto[]): ReadonlyMap<string, readonly Declaration[]> {
	const known = KNOWN.get(tools);
	if (known !== undefined) return known;
	const found = new Map<string, readonly Declaration[]>();
	for (const tool of tools) {
		const declarations: Declaration[] = [];
		collect(tool["inputSchema"], [], declarations);
		if (declarations.length > 0) found.set(String(tool["name"]), declarations);
	}
	KNOWN.set(tools, found);
	return found;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
const TYPES: ReadonlySet<unknown> = new Set(["string", "integer", "number", "boolean"]);
/** A schema that refers to itself cannot come out of JSON, one that is nested for ever can. */
const MAX_DEPTH = 32;

/** Only what is reached through `properties` alone has a place in every call. */
function collect(schema: unknown, path: readonly string[], found: Declaration[]): void {
	if (!isRecord(schema) || path.length > MAX_DEPTH) return;
	const name = schema["x-mcp-header"];
	const type = schema["type"];
	if (typeof name === "string" && TOKEN.test(name) && path.length > 0 && TYPES.has(type)) {
		found.push({ path, name, numeric: type === "integer" || type === "number" });
	}
	if (!isRecord(schema["properties"])) return;
	for (const [key, property] of Object.entries(schema["properties"])) collect(property, [...path, key], found);
}

function valueAt(args: unknown, path: readonly string[]): unknown {
	let value = args;
	for (const key of path) {
		if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined;
		value = value[key];
	}
	return value;
}

/** How a header says it; undefined for what no header carries. */
function textOf(value: unknown): string | undefined {
	if (typeof value === "string") return value;
	if (typeof value === "boolean") return String(value);
	if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
	return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}

const BASE64 = /^((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;

/** Text that a header cannot carry stands in it as `=?base64?…?=`; anything else is meant as it is. */
function decodeHeader(value: string): string | undefined {
	if (!value.startsWith(PREFIX) || !value.endsWith(SUFFIX)) return value;
	const encoded = BASE64.exec(value.slice(PREFIX.length, -SUFFIX.length))?.[1];
	return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

function encodeHeader(text: string): string {
	if (PLAIN.test(text) && !text.startsWith(PREFIX)) return text;
	return `${PREFIX}${Buffer.from(text).toString("base64")}${SUFFIX}`;
}

/** Printable ASCII without spaces around it, which a header carries as it is. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;
const PREFIX = "=?base64?";
const SUFFIX = "?=";
