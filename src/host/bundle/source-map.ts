import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Makes a source map say the author's paths, as absolute URLs: Node then writes stack frames with these paths, wherever
 * the map lies.
 *
 * @param json esbuild's map
 * @param outfile where esbuild believes that the bundle lies
 * @param toAuthor from a real path to the path that the author knows
 * @param linesAbove how many lines were put above the code after it was mapped
 */
export function authorSourceMap(
	json: string,
	outfile: string,
	toAuthor: (realPath: string) => string,
	linesAbove: number,
): string {
	// Only what comes before the mappings is parsed: they are most of it, megabytes for a large bundle, on main's thread.
	const end = json.indexOf(MAPPINGS);
	const head = JSON.parse(`${json.slice(0, end)}${MAPPINGS}"}`) as { readonly sources: readonly string[] };
	const sources = head.sources.map((source) => {
		// What no file holds, such as a `data:` import, keeps its name.
		return /^[a-z]{2,}:/.test(source) ? source : pathToFileURL(toAuthor(resolve(dirname(outfile), source))).href;
	});
	const mappings = ";".repeat(linesAbove) + json.slice(end + MAPPINGS.length);
	return `{"version":3,"sources":${JSON.stringify(sources)},"mappings":"${mappings}`;
}

/** How esbuild writes the key. */
const MAPPINGS = '"mappings": "';
