/**
 * Makes of each worker entry in dist/ one file, and of the libraries that workers need one script, so that a module's
 * worker reads a few files where it would resolve and read two hundred.
 *
 * The libraries are a plain script because that is what V8 can be handed compiled (workers/libraries.ts): under Node's
 * permission model a worker has no compile cache of its own. Runtime and modules import them by a small ES module for
 * each, which exports what the script holds: they get the same instance. Nothing is minified, so that a stack trace stays
 * readable.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const WORKER_ENTRIES = ["mcp-worker", "metric-worker", "process-entry", "warm-up"];
/** What each script contains. Other subpaths of these packages work as well, from node_modules, and start more slowly. */
const SCRIPTS = {
	mcp: ["@modelcontextprotocol/server", "@modelcontextprotocol/server/stdio", "zod", "zod/v4", "zod/v4/core"],
	"prom-client": ["prom-client"],
};
const LIBRARIES = Object.values(SCRIPTS).flat();
const LOADER = "./libraries.js";

const OPTIONS = /** @type {const} */ ({
	bundle: true,
	platform: "node",
	target: "node24",
	legalComments: "inline",
	logLevel: "warning",
});

/**
 * @param {string} folder of the compiled workers, absolute; their entries are replaced
 * @throws what esbuild could not do, which it has said on standard error
 */
export async function bundleWorkers(folder) {
	mkdirSync(path.join(folder, "libraries"));
	/** @type {Record<string, Record<string, string>>} by script, by the name that a module imports: the file that it gets */
	const scripts = {};
	/** @type {Set<string>} */
	const packages = new Set();
	for (const [name, libraries] of Object.entries(SCRIPTS)) {
		const { script, inputs } = await buildScript(folder, name, libraries);
		for (const input of inputs) packages.add(packageOf(input));
		scripts[script] = {};
		for (const library of libraries) {
			writeFileSync(path.join(folder, facadeOf(library)), await facadeText(script, library));
			scripts[script][library] = facadeOf(library);
		}
	}
	writeFileSync(
		path.join(folder, "libraries/LICENSES.txt"),
		[...packages].filter(Boolean).toSorted().map(licenceOf).join("\n\n"),
	);
	await buildEntries(folder);
	writeFileSync(path.join(folder, "libraries.json"), `${JSON.stringify(scripts, undefined, "\t")}\n`);
}

/**
 * One function expression, `(module, exports, require) => {}`, in a file that is named by its content; and what went into it.
 *
 * @param {string} folder
 * @param {string} name
 * @param {readonly string[]} libraries
 */
async function buildScript(folder, name, libraries) {
	const { metafile } = await build({
		...OPTIONS,
		absWorkingDir: import.meta.dirname,
		conditions: [], // as Node resolves it; esbuild would add a condition of bundlers
		stdin: {
			contents: libraries.map((library) => `export * as ${identifier(library)} from "${library}";`).join("\n"),
			resolveDir: import.meta.dirname,
			sourcefile: name,
		},
		outdir: path.join(folder, "libraries"),
		entryNames: `${name}-[hash]`,
		format: "cjs",
		banner: { js: "(function (module, exports, require) {" },
		footer: { js: "})" },
		metafile: true,
	});
	const inputs = Object.keys(metafile.inputs).map((input) => path.resolve(import.meta.dirname, input));
	return { script: path.basename(Object.keys(metafile.outputs)[0] ?? ""), inputs };
}

/**
 * The folder of the package that a file belongs to; empty for what belongs to none.
 *
 * @param {string} file
 */
function packageOf(file) {
	return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? "";
}

/**
 * Whoever passes a library on has to pass its licence on with it.
 *
 * @param {string} folder of a package
 */
function licenceOf(folder) {
	const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
	if (file === undefined) throw new Error(`${folder} has no licence file, and may not be part of what is built`);
	const { name, version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
	return `${name} ${version}\n\n${readFileSync(path.join(folder, file), "utf8").trim()}\n`;
}

/**
 * @param {string} script
 * @param {string} library
 */
async function facadeText(script, library) {
	const names = Object.keys(await import(library)).filter((name) => name !== "module.exports");
	const isCommonJs = library === "prom-client"; // whoever requires it gets what the package exports, and no namespace
	return [
		`import { loadLibraries } from ".${LOADER}";`,
		`const library = loadLibraries("${script}").${identifier(library)};`,
		...names.map((name, index) => `const e${index} = library[${JSON.stringify(name)}];`),
		`export {`,
		...names.map((name, index) => `\te${index} as ${JSON.stringify(name)},`),
		...(isCommonJs ? [`\te${names.indexOf("default")} as "module.exports",`] : []),
		"};\n",
	].join("\n");
}

/** @param {string} folder */
async function buildEntries(folder) {
	for (const name of WORKER_ENTRIES) rmSync(path.join(folder, `${name}.js.map`)); // of what is replaced
	await build({
		...OPTIONS,
		absWorkingDir: folder,
		entryPoints: WORKER_ENTRIES.map((name) => path.join(folder, `${name}.js`)),
		outdir: folder,
		allowOverwrite: true,
		format: "esm",
		splitting: true,
		chunkNames: "[name]-[hash]", // beside the entries, from where the paths below are right
		plugins: [
			{
				name: "shared libraries",
				setup({ onResolve }) {
					onResolve({ filter: /^[^./]/ }, ({ path: name }) =>
						LIBRARIES.includes(name) ? { path: `./${facadeOf(name)}`, external: true } : undefined,
					);
					onResolve({ filter: /\/libraries\.js$/ }, () => ({ path: LOADER, external: true }));
				},
			},
		],
	});
}

/** @param {string} library */
function facadeOf(library) {
	return `libraries/${library.replaceAll(/\W+/g, "-").replace(/^-/, "")}.js`;
}

/** @param {string} library */
function identifier(library) {
	return library.replaceAll(/\W/g, "_");
}
