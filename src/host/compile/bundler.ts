import { extname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure, BuildResult } from "esbuild";
import { createBuildContexts, type ModuleBuildOptions } from "./esbuild-contexts.ts";
import { type BuildService, ServiceEndedError } from "./esbuild-service.ts";
import type { BundledLibraries } from "./bundled-libraries.ts";
import { type CompileProblem, entryProblem, toProblems } from "./compile-problem.ts";
import type { FileStamps } from "./file-fingerprint.ts";
import type { ModulePaths } from "./module-paths.ts";
import { type BundleFormat, createModulePlugin, type ModulePlugin } from "./esbuild-plugin.ts";
import type { SharedLibrary } from "./shared-libraries.ts";
import { LOCATION_DEFINES } from "./location-shim.ts";
import { authorSourceMap } from "./source-map.ts";

/** A module that is to be built, and how far that went. */
export interface BuildJob {
	readonly id: string;
	readonly paths: ModulePaths;
	/** The files that were read, also when the build did not end well. */
	stamps: FileStamps;
}

export type BuildOutcome =
	| {
			readonly ok: true;
			readonly code: string;
			readonly sourceMap: string;
			readonly extension: ".mjs" | ".cjs";
			readonly libraries: readonly SharedLibrary[];
			readonly warnings: readonly CompileProblem[];
	  }
	| { readonly ok: false; readonly problems: readonly CompileProblem[] };

/** Why the module of this id can never import a built-in (its name is without `node:`); undefined: it can. */
export type RefusedBuiltin = (id: string, name: string) => string | undefined;

/** Turns a module into one file of code with esbuild. Touches nothing outside of the module's folder and its packages. */
export interface ModuleBuilder {
	/**
	 * One build of a module at a time.
	 *
	 * @throws ServiceEndedError when esbuild's process ended meanwhile, or after `stop()`
	 */
	build(job: BuildJob): Promise<BuildOutcome>;
	forget(id: string): void;
	stop(): void;
}

export function createModuleBuilder(
	service: BuildService,
	limits: { readonly maxContexts: number; readonly maxBundleBytes: number },
	bundled: BundledLibraries,
	refusedBuiltin: RefusedBuiltin,
): ModuleBuilder {
	const contexts = createBuildContexts<ModulePlugin>(service, limits.maxContexts);
	const commonJs = new Set<string>();
	let stopped = false;

	async function buildAs(format: BundleFormat, job: BuildJob): Promise<Built> {
		if (stopped) throw new ServiceEndedError("the compiler was stopped");
		const { id, paths } = job;
		const plugin = await contexts.open(
			`${format} ${id}`,
			[paths.realRoot, paths.realEntry, paths.base].join("\0"),
			() => {
				const attached = createModulePlugin(paths, format, bundled, (name) => refusedBuiltin(id, name));
				return { attached, options: buildOptions(paths, format, attached) };
			},
		);
		const { findings } = plugin.attached;
		findings.stamps.clear();
		findings.libraries.clear();
		try {
			const result = await plugin.rebuild();
			return {
				ok: true,
				result,
				output: format,
				isCommonJs: formatOf(result, paths) === "cjs",
				libraries: new Map(findings.libraries),
			};
		} catch (error) {
			if (!isBuildFailure(error)) throw error;
			return { ok: false, failure: error };
		} finally {
			job.stamps = new Map(findings.stamps);
		}
	}

	/** Only its own syntax says whether a `.js` or `.ts` is CommonJS, and esbuild says so when it has built it. */
	async function buildInItsFormat(job: BuildJob): Promise<Built> {
		if (extname(job.paths.realEntry) === ".cjs") return buildAs("cjs", job);
		if (commonJs.has(job.id)) {
			const built = await buildAs("cjs", job);
			if (built.ok && built.isCommonJs) return built;
			commonJs.delete(job.id);
			contexts.dispose(`cjs ${job.id}`);
		}
		const built = await buildAs("esm", job);
		if (!built.ok || !built.isCommonJs) return built;
		commonJs.add(job.id);
		contexts.dispose(`esm ${job.id}`);
		return buildAs("cjs", job);
	}

	return {
		async build(job) {
			const built = await buildInItsFormat(job);
			if (!built.ok) return { ok: false, problems: toProblems(built.failure.errors, job.paths) };
			return toOutcome(built, job.paths, limits.maxBundleBytes);
		},
		forget(id) {
			commonJs.delete(id);
			contexts.dispose(`esm ${id}`);
			contexts.dispose(`cjs ${id}`);
		},
		stop() {
			stopped = true;
			contexts.disposeAll();
		},
	};
}

type Built = Success | { readonly ok: false; readonly failure: BuildFailure };
interface Success {
	readonly ok: true;
	readonly result: BuildResult<ModuleBuildOptions>;
	readonly output: BundleFormat;
	readonly isCommonJs: boolean;
	readonly libraries: ReadonlyMap<string, SharedLibrary>;
}

function buildOptions(paths: ModulePaths, format: BundleFormat, { plugin }: ModulePlugin): ModuleBuildOptions {
	return {
		entryPoints: [paths.realEntry],
		// Names in the output are relative to this. It follows the links of a ConfigMap, so an update renames nothing.
		absWorkingDir: paths.base,
		outfile: outfileOf(paths),
		write: false,
		bundle: true,
		metafile: true,
		format,
		platform: "node",
		target: "node24", // the oldest that the host runs on
		// What Node itself would choose; "module", which esbuild adds by default, is a bundler's.
		conditions: [],
		resolveExtensions: [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".json"],
		// In place of any tsconfig.json: one that lies further up was written for something else, and may say anything.
		// What is left is TypeScript's own default, so decorators are those of the standard.
		tsconfigRaw: { compilerOptions: {} },
		define: LOCATION_DEFINES,
		keepNames: true,
		charset: "utf8",
		legalComments: "none", // or a changed comment would be a changed version
		sourcemap: "external",
		sourcesContent: false,
		logLevel: "silent",
		plugins: [plugin],
	};
}

/** Nothing is written there; esbuild names the sources in the map relative to it. */
function outfileOf(paths: ModulePaths): string {
	return join(paths.base, "bundle.js");
}

function formatOf(result: BuildResult<ModuleBuildOptions>, paths: ModulePaths): BundleFormat | undefined {
	const entry = relative(paths.base, paths.realEntry).replaceAll(sep, "/");
	return result.metafile.inputs[entry]?.format;
}

function toOutcome({ result, output, libraries }: Success, paths: ModulePaths, maxBytes: number): BuildOutcome {
	const outfile = outfileOf(paths);
	const textOf = (path: string) => result.outputFiles.find((file) => file.path === path)?.text ?? "";
	const described = Object.values(result.metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
	const code = textOf(outfile);
	const bytes = Buffer.byteLength(code);
	if (bytes > maxBytes) {
		return { ok: false, problems: [entryProblem(paths, describeSize(bytes, maxBytes, described?.inputs ?? {}))] };
	}
	const banner = output === "esm" && code.includes("__require") ? requireBanner(paths) : "";
	return {
		ok: true,
		code: banner + code,
		sourceMap: authorSourceMap(textOf(`${outfile}.map`), outfile, paths.located, banner === "" ? 0 : 1),
		extension: output === "cjs" ? ".cjs" : ".mjs",
		libraries: usedLibraries(libraries, described?.imports ?? []),
		warnings: toProblems(result.warnings, paths),
	};
}

/**
 * CommonJS within an ES module has no `require`, so esbuild's `__require` looks for one in scope. Only bundles that
 * need it get it, since it takes `node:module`. What it loads is found from the entry, as it would be without a bundle.
 */
function requireBanner(paths: ModulePaths): string {
	const from = JSON.stringify(pathToFileURL(paths.located(paths.realEntry)).href);
	return `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(${from});\n`;
}

/** Those that are left in the output, once each. */
function usedLibraries(
	libraries: ReadonlyMap<string, SharedLibrary>,
	imports: readonly { readonly path: string }[],
): readonly SharedLibrary[] {
	const used = new Map<string, SharedLibrary>();
	for (const { path } of imports) {
		const library = libraries.get(path);
		if (library !== undefined) used.set(library.path, library);
	}
	return [...used.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

const MIB = 1024 ** 2;

function describeSize(
	bytes: number,
	maxBytes: number,
	inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>,
): string {
	const largest = Object.entries(inputs)
		.toSorted(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
		.slice(0, 3)
		.map(([name, { bytesInOutput }]) => `${name} (${(bytesInOutput / MIB).toFixed(1)} MiB)`);
	return (
		`Its bundle has ${(bytes / MIB).toFixed(1)} MiB, more than the ${(maxBytes / MIB).toFixed(1)} MiB that are allowed. ` +
		`The largest parts are ${largest.join(", ")}. Import less, or read data when the module runs.`
	);
}

function isBuildFailure(error: unknown): error is BuildFailure {
	return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
