import { isBuiltin, registerHooks } from "node:module";
import type { Denials } from "./denial.ts";
import { bareName, type Remedy } from "./policy.ts";
import { slice, startsWith } from "./primordials.ts";

export interface ImportGuard {
	/** @param name of a built-in without `node:` */
	readonly remedyFor: (name: string) => Remedy | undefined;
	/** Runs before a module gets hold of an open built-in, so that what is closed of it is closed by then. */
	readonly prepare: (name: string) => void;
	readonly denials: Denials;
}

/**
 * Stands in the way of every import and `require` from now on, whoever asks. Who asks is no evidence: CommonJS lets a
 * module make a `Module` object with any file name, and `require` in its name.
 *
 * What was asked for and what it resolves to are both judged, since a module may patch the steps between them
 * (`Module._resolveFilename`). What trusted libraries import lazily has to be open too.
 */
export function guardImports({ remedyFor, prepare, denials }: ImportGuard): void {
	function admit(specifier: string): void {
		const name = bareName(specifier);
		const remedy = remedyFor(name);
		if (remedy !== undefined) throw denials.error(`import node:${name}`, remedy);
		prepare(name);
	}

	function admitUrl(url: string): void {
		if (startsWith(url, "node:")) admit(url);
		// A `data:` URL is code that no compiler has seen; http(s): is gone from Node, and may come back.
		else if (!startsWith(url, "file:")) throw denials.error(`import ${slice(url, 0, MAX_SHOWN)}`, "never");
	}

	registerHooks({
		resolve(specifier, context, nextResolve) {
			if (startsWith(specifier, "node:") || isBuiltinName(specifier)) admit(specifier);
			const resolved = nextResolve(specifier, context);
			admitUrl(resolved.url);
			return resolved;
		},
		load(url, context, nextLoad) {
			admitUrl(url);
			const loaded = nextLoad(url, context);
			if (loaded.format === "addon") throw denials.error(`load the add-on ${url}`, "never");
			return loaded;
		},
	});
}

const MAX_SHOWN = 100;
const isBuiltinName = isBuiltin;
