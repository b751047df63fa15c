import { isScalar, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";

/** One thing that is wrong in a file. */
export interface YamlProblem {
	readonly line: number;
	readonly column: number;
	/** E.g. `0.scopes`; empty for the file as a whole. */
	readonly path: string;
	readonly message: string;
}

export type YamlResult<Value> =
	| { readonly ok: true; readonly value: Value }
	| { readonly ok: false; readonly problems: readonly YamlProblem[] };

/** Bounds what an alias bomb can expand to (https://en.wikipedia.org/wiki/Billion_laughs_attack). */
const MAX_ALIASES = 100;

/**
 * Reads YAML as a schema wants it. All problems together, each with its line.
 *
 * @param unknownKey what is said of a key that the schema does not know, after its name
 */
export function readCheckedYaml<Schema extends z.ZodType>(
	text: string,
	schema: Schema,
	unknownKey: string,
): YamlResult<z.output<Schema>> {
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
	if (document.errors.length > 0) {
		const problems = document.errors.map(({ pos: [start], message }) => ({
			...place(lines, start),
			path: "",
			message: message.split("\n", 1)[0] ?? message,
		}));
		return { ok: false, problems };
	}
	let value: unknown;
	try {
		value = document.toJS({ maxAliasCount: MAX_ALIASES });
	} catch (error) {
		return { ok: false, problems: [{ line: 1, column: 1, path: "", message: String(error) }] };
	}
	const parsed = schema.safeParse(value);
	if (parsed.success) return { ok: true, value: parsed.data };
	const problems = parsed.error.issues.flatMap((issue) => {
		const unknown = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
		return unknown.map((path) => ({
			...place(lines, offsetOf(document, path)),
			path: path.map(String).join("."),
			message: issue.code === "unrecognized_keys" ? unknownKey : issue.message,
		}));
	});
	return { ok: false, problems };
}

/** As an editor takes it to the place: `FILE:LINE:COLUMN path message`. */
export function describeYamlProblems(file: string, problems: readonly YamlProblem[]): string {
	return problems
		.map(({ line, column, path, message }) => `  ${file}:${line}:${column} ${path === "" ? "" : `${path} `}${message}`)
		.join("\n");
}

/** As an editor counts them: from 1. */
export function place(lines: LineCounter, offset: number): { readonly line: number; readonly column: number } {
	const { line, col } = lines.linePos(offset);
	return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where the node of a path begins, or the nearest one above it that is in the file. */
export function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
	for (let length = path.length; length > 0; length--) {
		const parent: unknown = document.getIn(path.slice(0, length - 1), true);
		const key = path[length - 1];
		for (const item of itemsOf(parent)) {
			if (isScalar(item.key) && item.key.value === key) return item.key.range?.[0] ?? 0;
		}
		const node = document.getIn(path.slice(0, length), true) as { range?: readonly [number, ...number[]] } | undefined;
		if (node?.range !== undefined) return node.range[0];
	}
	return 0;
}

function itemsOf(node: unknown): readonly { readonly key?: unknown }[] {
	return typeof node === "object" && node !== null && "items" in node && Array.isArray(node.items)
		? (node.items as [])
		: [];
}
