import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildFailure, type BuildOptions, type BuildResult, build } from "esbuild";
import { messageOf } from "../../core/errors.ts";
import { entryProblem, missingPaths, type ProblemContext, toProblems } from "./compile-problem.ts";
import { closePackages, type PackageClosure } from "../packages/package-closure.ts";
import { createPackagePlaces, type PackagePlaces } from "../packages/package-places.ts";
import { type BuildFindings, createModulePlugin, type OnRead } from "./esbuild-plugin.ts";
import type { BundleFormat } from "./package-imports.ts";
import { stampOf } from "../../core/file-fingerprint.ts";
import { judgeFolder } from "./folder-judge.ts";
import { LOCATION_DEFINES } from "./location-shim.ts";
import { type ModulePaths, resolveModulePaths, sayPath } from "./module-paths.ts";
import type { BuildReplyDto, BuildRequestDto } from "./protocol.ts";
import { createSourceGuard, type SourceGuard } from "./import-guard.ts";
import type { SharedLibrary } from "../packages/shared-libraries.ts";
import { authorSourceMap } from "./source-map.ts";

/**
 * Turns a module into one file of code with esbuild. Touches nothing outside of the module's folder and its packages.
 *
 * @throws what esbuild throws when its process ended meanwhile; see `isEsbuildEnd`
 */
export async function buildModule(request: BuildRequestDto, onRead: OnRead): Promise<BuildReplyDto> {
	const { root, entry } = request;
	let paths: ModulePaths;
	try {
		paths = await resolveModulePaths(root, entry);
	} catch (error) {
		const file = sayPath(root, entry);
		const message = `${file} cannot be read: ${codeOf(error)}`;
		return { ok: false, problems: [{ file, line: 1, column: 1, message, frame: "" }], passing: true };
	}
	onRead(entry, await stampOf(entry));
	const places = createPackagePlaces(paths.realRoot);
	const guard = createSourceGuard(paths, places);
	const refusal = await judgeFolder(paths, entry, guard, onRead);
	if (refusal !== undefined) {
		onRead(refusal.path, await stampOf(refusal.path));
		return { ok: false, problems: [entryProblem(paths, refusal.problem)], passing: false };
	}
	const built = await buildInItsFormat({ request, paths, places, guard, onRead });
	const context: ProblemContext = { paths, wasRead: (path) => built.findings.loaded.has(path) };
	if (built.ok) return finish(request, built, context, await watchPackages(built, places, onRead));
	for (const path of missingPaths(built.failure.errors, paths)) onRead(path, await stampOf(path));
	return { ok: false, problems: toProblems(built.failure.errors, context), passing: false };
}

/** How esbuild 0.28 says that its child process could not be started, has ended, or had ended before. */
export function isEsbuildEnd(error: unknown): boolean {
	return error instanceof Error && /^The service (?:was stopped|is no longer running)/.test(error.message);
}

type Built = Success | { readonly ok: false; readonly failure: BuildFailure; readonly findings: BuildFindings };
interface Success {
	readonly ok: true;
	readonly result: BuildResult<typeof OPTIONS>;
	readonly output: BundleFormat;
	readonly isCommonJs: boolean;
	readonly findings: BuildFindings;
}

interface Job {
	readonly request: BuildRequestDto;
	readonly paths: ModulePaths;
	readonly guard: SourceGuard;
	readonly places: PackagePlaces;
	readonly onRead: OnRead;
}

/** Only its own syntax says whether a `.js` or `.ts` is CommonJS, and esbuild says so when it has built it. */
async function buildInItsFormat(job: Job): Promise<Built> {
	if (extname(job.paths.realEntry) === ".cjs") return buildAs("cjs", job);
	const built = await buildAs("esm", job);
	return built.ok && built.isCommonJs ? buildAs("cjs", job) : built;
}

async function buildAs(format: BundleFormat, { request, paths, guard, places, onRead }: Job): Promise<Built> {
	const { plugin, findings } = createModulePlugin({
		...{ paths, guard, places, format, onRead },
		bundled: new Map(request.bundled),
	});
	try {
		const result = await build({
			...OPTIONS,
			entryPoints: [paths.realEntry],
			// Names in the output are relative to this. It follows the links of a ConfigMap, so an update renames nothing.
			absWorkingDir: paths.base,
			outfile: outfileOf(paths),
			format,
			logOverride: request.quiet ? NO_WARNINGS : {},
			plugins: [plugin],
		});
		return { ok: true, result, output: format, isCommonJs: formatOf(result, paths) === "cjs", findings };
	} catch (error) {
		if (!isBuildFailure(error)) throw error;
		return { ok: false, failure: error, findings };
	}
}

const OPTIONS = {
	write: false,
	bundle: true,
	metafile: true,
	platform: "node",
	target: "node24", // the oldest that the host runs on
	// What Node itself would choose; "module", which esbuild adds by default, is a bundler's.
	conditions: ["module-sync"],
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
} as const satisfies BuildOptions;

/** Those of esbuild 0.28 that a module's source can cause by the thousand. */
const NO_WARNINGS: NonNullable<BuildOptions["logOverride"]> = Object.fromEntries(
	[
		...["assert-to-with", "assert-type-json", "assign-to-constant", "assign-to-define", "assign-to-import", "bigint"],
		...["call-import-namespace", "class-name-will-throw", "commonjs-variable-in-esm", "delete-super-property"],
		...["direct-eval", "duplicate-case", "duplicate-class-member", "duplicate-object-key", "empty-import-meta"],
		...["equals-nan", "equals-negative-zero", "equals-new-object", "html-comment-in-js", "impossible-typeof"],
		...["indirect-require", "private-name-will-throw", "semicolon-after-return", "suspicious-boolean-not"],
		...["suspicious-define", "suspicious-logical-operator", "suspicious-nullish-coalescing"],
		...["this-is-undefined-in-esm", "unsupported-dynamic-import", "unsupported-jsx-comment", "unsupported-regexp"],
		...["unsupported-require-call", "css-syntax-error", "import-is-undefined", "require-resolve-not-external"],
	].map((id) => [id, "silent"]),
);

/** Nothing is written there; esbuild names the sources in the map relative to it. */
function outfileOf(paths: ModulePaths): string {
	return join(paths.base, "bundle.js");
}

function formatOf(result: Success["result"], paths: ModulePaths): BundleFormat | undefined {
	const entry = relative(paths.base, paths.realEntry).replaceAll(sep, "/");
	return result.metafile.inputs[entry]?.format;
}

async function finish(
	request: BuildRequestDto,
	{ result, output, findings }: Success,
	context: ProblemContext,
	packages: PackageClosure,
): Promise<BuildReplyDto> {
	const { paths } = context;
	const { maxBundleBytes, draft } = request;
	const failed = (problem: string, passing = false): BuildReplyDto => ({
		ok: false,
		problems: [entryProblem(paths, problem)],
		passing,
	});
	const outfile = outfileOf(paths);
	const file = (path: string) => result.outputFiles.find((each) => each.path === path);
	const described = Object.values(result.metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
	const bytes = file(outfile)?.contents.length ?? 0;
	const mapBytes = file(`${outfile}.map`)?.contents.length ?? 0;
	if (bytes > maxBundleBytes || mapBytes > MAX_MAP_SHARE * maxBundleBytes)
		return failed(describeSize(bytes, maxBundleBytes, described?.inputs ?? {}));
	const text = file(outfile)?.text ?? "";
	const banner = output === "esm" && text.includes("__require") ? requireBanner(paths) : "";
	const sourceMap = authorSourceMap(file(`${outfile}.map`)?.text ?? "", outfile, paths.located, banner === "" ? 0 : 1);
	const hash = createHash("sha256")
		.update(banner)
		.update(text)
		.update(packages.digest)
		.digest("hex")
		.slice(0, HASH_LENGTH);
	const extension = output === "cjs" ? ".cjs" : ".mjs";
	const code = Buffer.from(`${banner}${text}\n//# sourceMappingURL=${hash}${extension}.map\n`);
	const map = Buffer.from(sourceMap);
	try {
		await mkdir(dirname(draft), { recursive: true });
		await writeFile(draft, Buffer.concat([code, map]), { mode: 0o600, flag: "wx" });
	} catch (error) {
		return failed(`It cannot be compiled: the state folder cannot be written: ${codeOf(error)}`, true);
	}
	return {
		ok: true,
		hash,
		extension,
		draft,
		codeBytes: code.length,
		mapBytes: map.length,
		libraries: usedLibraries(findings.packages.libraries, described?.imports ?? []),
		packageReads: packages.reads,
		warnings: toProblems(result.warnings, context),
	};
}

/** Follows what the build has imported of packages. A change of one of them is a change of the module. */
async function watchPackages({ findings }: Success, places: PackagePlaces, onRead: OnRead): Promise<PackageClosure> {
	const closure = await closePackages(findings.packages, places);
	for (const path of closure.watched) onRead(path, await stampOf(path));
	return closure;
}

const HASH_LENGTH = 20;
/** How much larger than the bundle its source map may be. Of minified code, it is twice as large. */
const MAX_MAP_SHARE = 4;

/** Without the path, which is no business of whoever reads the module's problems. */
function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
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
