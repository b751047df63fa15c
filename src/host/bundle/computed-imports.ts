/**
 * esbuild takes an import whose path is computed, such as `import(`./units/${name}.ts`)`, for a pattern, and looks for all
 * files that it may mean: of a path that leads far enough up, through the whole disk. So those may not lead out.
 *
 * This reads text and not syntax. What it takes for an import is refused only where it leads out, so that a wrong guess
 * costs nobody anything; and what an author hides from it costs that module its deadline, and no more.
 *
 * @param depth how many folders lie between the file and the outside
 * @returns why the file cannot be compiled, to be put behind its name
 */
export function findClimbingImport(source: string, depth: number): string | undefined {
	if (depth === Number.POSITIVE_INFINITY) return undefined;
	for (const { index } of source.matchAll(CALL)) {
		const argument = source.slice(index, index + MAX_LOOKED_AT);
		const start = ARGUMENT.exec(argument);
		const prefix = start?.[1];
		if (prefix === undefined || isConstant(argument.slice(start?.[0].length ?? 0), prefix)) continue;
		if (climbs(prefix.slice(1), depth)) {
			const line = source.slice(0, index).split("\n").length;
			return `computes a path in line ${line} that leads out of the module folder. Import from within it, or read what lies elsewhere when the module runs.`;
		}
	}
	return undefined;
}

const CALL = /\b(?:import|require)\b/g;
/** As far as the fixed beginning of the path: what comes before it may be comments and parentheses. */
const ARGUMENT = /^(?:import|require)(?:\s|\/\*[^*]*\*\/|\/\/[^\n]*\n|\(|\?\.|\.resolve\b)*(["'`][^"'`$]*)/;
const MAX_LOOKED_AT = 64 * 1024;

/** Whether the text ends where its quote does, and nothing is added to it. */
function isConstant(rest: string, prefix: string): boolean {
	return rest.startsWith(prefix.charAt(0)) && /^.(?:\s|\/\*[^*]*\*\/)*[),;]/.test(rest);
}

function climbs(prefix: string, depth: number): boolean {
	if (!/^[.\\]/.test(prefix)) return false;
	if (prefix.includes("\\")) return true; // nobody writes a path with escapes
	return prefix.split("/").filter((step) => step === "..").length > depth;
}
