import { isBuiltin, registerHooks } from "node:module";
import type { Builtins } from "./builtins.ts";
import { fileURLToPath } from "node:url";
import type { Denials } from "./denial.ts";
import type { LinkGuard } from "../paths/links.ts";
import { bareName } from "./policy.ts";
import { ownKeys, slice, startsWith, test } from "../primordials/primordials.ts";

/**
 * Stands in the way of every import and `require` from now on, whoever asks. Who asks is no evidence: CommonJS lets a
 * module make a `Module` object with any file name, and `require` in its name. Every built-in may be imported; what is
 * closed of it refuses when it is called.
 *
 * What was asked for and what it resolves to are both judged, since a module may patch the steps between them
 * (`Module._resolveFilename`).
 */
export function guardImports(builtins: Builtins, denials: Denials, leadsOut: LinkGuard): void {
	function admitUrl(url: string): void {
		if (startsWith(url, "node:")) builtins.prepare(bareName(url));
		// A `data:` URL is code that no compiler has seen; http(s): is gone from Node, and may come back.
		else if (!startsWith(url, "file:")) throw denials.error(`import ${slice(url, 0, MAX_SHOWN)}`, "never");
	}

	registerHooks({
		resolve(specifier, context, nextResolve) {
			if (startsWith(specifier, "node:") || isBuiltinName(specifier)) builtins.prepare(bareName(specifier));
			const resolved = nextResolve(specifier, context);
			admitUrl(resolved.url);
			const name = startsWith(resolved.url, "node:") ? bareName(resolved.url) : "";
			return builtins.substitute(name) === undefined ? resolved : { ...SUBSTITUTE, url: `${SUBSTITUTES}${name}` };
		},
		load(url, context, nextLoad) {
			admitUrl(url);
			const named = startsWith(url, SUBSTITUTES) ? slice(url, SUBSTITUTES.length) : bareName(url);
			const exported = builtins.substitute(named);
			if (exported !== undefined) return { ...SUBSTITUTE, source: sourceOf(named, exported) };
			// Usually the real path by now, unless the module has patched what made it so.
			if (startsWith(url, "file:") && leadsOut(toPath(url)))
				throw denials.error(
					`import ${slice(url, 0, MAX_SHOWN)}, a symbolic link that leads out of what it may read`,
					"never",
				);
			const loaded = nextLoad(url, context);
			if (loaded.format === "addon") throw denials.error(`load the add-on ${url}`, "never");
			return loaded;
		},
	});
}

const MAX_SHOWN = 100;
const toPath = fileURLToPath;
const isBuiltinName = isBuiltin;

/** Files that are not there: what they have in them is said by the hook. */
const SUBSTITUTES = new URL("./builtin-substitutes/", import.meta.url).href;
const SUBSTITUTE = { format: "module", shortCircuit: true } as const;

/** Of an export named `module.exports`, `require` takes its value. */
function sourceOf(name: string, substitute: object): string {
	let names = "";
	const keys = ownKeys(substitute);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key === "string" && test(IDENTIFIER, key)) names += `${key}, `;
	}
	const builtin = `process.getBuiltinModule("node:${name}")`;
	return `const builtin = ${builtin};\nexport { builtin as default, builtin as "module.exports" };\nexport const { ${names} } = builtin;\n`;
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
