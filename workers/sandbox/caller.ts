import { captureStackTrace, indexOf, lastIndexOf, slice } from "../primordials/primordials.ts";

/**
 * The installed package whose code has called; undefined when it is the module's own, or cannot be told. For messages:
 * a module can have any stack that it likes.
 *
 * @param refusing the function that was called
 */
export function callerPackage(refusing: unknown): string | undefined {
	try {
		const holder: { stack?: unknown } = { stack: undefined };
		captureStackTrace(holder, refusing as () => void);
		const { stack } = holder;
		return typeof stack === "string" ? packageOf(firstFrame(stack)) : undefined;
	} catch {
		return undefined; // a module may decide how stacks are written, and throw
	}
}

/** The first line that is a file of somebody's, for functions of Node may lie between (`promisify`, `emit`). */
function firstFrame(stack: string): string {
	let rest = stack;
	for (let end = indexOf(rest, "\n"); end !== -1; end = indexOf(rest, "\n")) {
		rest = slice(rest, end + 1);
		const next = indexOf(rest, "\n");
		const line = next === -1 ? rest : slice(rest, 0, next);
		if (!isOfNode(line)) return line;
	}
	return "";
}

function isOfNode(line: string): boolean {
	return indexOf(line, "(node:") !== -1 || indexOf(line, "at node:") !== -1 || indexOf(line, "(<anonymous>)") !== -1;
}

/** With a scope, as in `@scope/name`. */
function packageOf(line: string): string | undefined {
	const at = lastIndexOf(line, FOLDER);
	if (at === -1) return undefined;
	const path = slice(line, at + FOLDER.length);
	const end = indexOf(path, "/");
	if (end <= 0) return undefined;
	if (path[0] !== "@") return slice(path, 0, end);
	const rest = indexOf(slice(path, end + 1), "/");
	return rest === -1 ? undefined : slice(path, 0, end + 1 + rest);
}

const FOLDER = "node_modules/";
