/** What to write in a file of `metrics/` that is no metric module, by what it does export. */
import type { ModuleExports } from "./registries.ts";

const WANTED =
	"a metric module must export a function process(), which updates its metrics, or make metrics with a collect()";

export function wrongExports(exports: ModuleExports): string {
	const { default: byDefault, process } = exports;
	if (process !== undefined) return `${WANTED}; its \`process\` is ${describe(process)}`;
	if (typeof byDefault === "function") {
		return `${WANTED}; this one default-exports a function: write \`export function process()\`, or put it into the mcps folder when it is an MCP module`;
	}
	const names = Object.keys(exports).filter((name) => name !== "default" && name !== "module.exports");
	if (names.length === 0) return `${WANTED}; this one exports nothing`;
	const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
	return `${WANTED}; this one exports ${names.slice(0, MAX_NAMES).join(", ")}${more}`;
}

const MAX_NAMES = 8;

function describe(value: unknown): string {
	if (value === null) return "null";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
