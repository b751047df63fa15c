import type { OnResolveArgs, OnResolveResult, PluginBuild, ResolveResult } from "esbuild";
import { realpath } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { isInNodeModules, isPackageName, packageFolderOf } from "../packages/package-folder.ts";
import type { PackagePlaces } from "../packages/package-places.ts";
import type { BundledLibraries } from "../packages/bundled-libraries.ts";
import { describeAddon, type SourceGuard } from "./import-guard.ts";
import type { ModulePaths } from "./module-paths.ts";
import { isCommonJsFile } from "../packages/package-format.ts";
import { packageOf, SHARED_IMPORT, type SharedLibrary } from "../packages/shared-libraries.ts";

export type BundleFormat = "esm" | "cjs";

/** What one build found out about packages. */
export interface PackageFindings {
	/** Shared libraries that were resolved, by the path that the bundle says. */
	readonly libraries: Map<string, SharedLibrary>;
	readonly folders: Set<string>;
	readonly entries: Set<string>;
	readonly names: { readonly name: string; readonly from: string }[];
}

export interface PackageImports {
	readonly paths: ModulePaths;
	readonly places: PackagePlaces;
	readonly guard: SourceGuard;
	readonly format: BundleFormat;
	readonly bundled: BundledLibraries;
	readonly findings: PackageFindings;
}

/**
 * Leaves installed packages out of the bundle: it says their files by their real paths, and Node loads them from there. So
 * whatever a package does works as it does anywhere else: a `require` that fails, code in sloppy mode, data files beside it.
 *
 * What is imported is judged by where it really lies. Of a library that the runtime shares with modules, the author's own
 * copy comes first, as it would without a bundle; then the one that the host has.
 */
export function resolvePackages(build: PluginBuild, imports: PackageImports): void {
	build.onResolve({ filter: PACKAGE_IMPORT }, (args) => resolvePackage(build, args, imports));
	build.onLoad({ filter: /(?:)/, namespace: COMMON_JS }, ({ path }) => ({
		contents: `module.exports = require(${JSON.stringify(path)});`,
		resolveDir: dirname(path),
	}));
}

/** All but relative paths that stay among the module's own files. */
const PACKAGE_IMPORT = /^[^./]|[\\/]node_modules[\\/]|^\//;

/** Marks our own question, so that it is not answered by asking it again. */
const OWN_QUESTION = Symbol("own question");

/**
 * Of files that are loaded with `require`, although the author wrote `import`: esbuild's bridge between the two finds each
 * name that the package exports, where Node only finds those that it sees in the package's text.
 */
const COMMON_JS = "package";

async function resolvePackage(
	build: PluginBuild,
	args: OnResolveArgs,
	imports: PackageImports,
): Promise<OnResolveResult | undefined> {
	const { path: specifier, kind, resolveDir } = args;
	if (args.namespace === COMMON_JS) return { path: specifier, external: true };
	if (args.pluginData === OWN_QUESTION || kind === "entry-point" || args.namespace !== "file") return undefined;
	if (isBuiltin(specifier) || specifier.startsWith("data:")) return undefined; // a data: URL is a part of the module's own text
	if (SCHEME.test(specifier)) return refused(`"${specifier.slice(0, MAX_SHOWN)}" cannot be imported: ${NO_URLS}`);
	// esbuild writes an `import` statement as `require()` into a CommonJS bundle, which then needs a CommonJS build.
	const asRequire =
		kind === "require-call" || kind === "require-resolve" || (kind === "import-statement" && imports.format === "cjs");
	const isShared = SHARED_IMPORT.test(specifier);
	for (const from of isShared ? [resolveDir, import.meta.dirname] : [resolveDir]) {
		const resolved = await build.resolve(specifier, {
			kind: asRequire ? "require-call" : kind,
			importer: args.importer,
			namespace: "file", // or what judges imports would take it for none of the module's
			resolveDir: from,
			pluginData: OWN_QUESTION,
		});
		if (resolved.errors.length > 0) continue;
		if (resolved.external || resolved.namespace !== "file") return undefined;
		return judge(resolved, { ...args, resolveDir: from, asRequire }, imports);
	}
	return undefined; // esbuild says that it is missing, or lets it pass within try and catch
}

const SCHEME = /^[a-z][a-z\d+.-]*:/i;
const MAX_SHOWN = 200;
const NO_URLS = "code comes from the module folder and from packages, never from a URL.";

async function judge(
	resolved: ResolveResult,
	args: OnResolveArgs & { readonly asRequire: boolean },
	imports: PackageImports,
): Promise<OnResolveResult | undefined> {
	const { path: specifier, resolveDir, kind } = args;
	const { paths, places, guard, findings, format } = imports;
	let file: string;
	try {
		file = await realpath(resolved.path);
	} catch (error) {
		return refused(
			`${paths.say(resolved.path)} cannot be read: ${error instanceof Error && "code" in error ? String(error.code) : "EIO"}`,
		);
	}
	if (!isInNodeModules(file)) {
		const linked = await places.linkedPackageOf(file);
		if (linked !== undefined) findings.folders.add(linked);
		return undefined; // a source like the module's own: compiled, if the guard lets it
	}
	const isHosts = resolveDir === import.meta.dirname;
	const folder = isHosts ? hostLibraryOf(file, specifier) : await places.packageOf(file, resolveDir);
	if (folder === undefined) return refused(describeOutside(specifier, paths));
	findings.folders.add(folder);
	guard.admit(folder);
	if (extname(file) === ".node") return refused(describeAddon(paths.say(file)));
	if (!args.asRequire && !NODE_LOADS.test(file)) return undefined; // data, or TypeScript, which Node does not take from packages
	findings.entries.add(file);
	const name = packageOf(specifier);
	if (!isHosts && isPackageName(name)) findings.names.push({ name, from: resolveDir });

	const external = imports.bundled.get(file)?.path ?? file;
	if (SHARED_IMPORT.test(specifier)) {
		const path = args.asRequire ? external : pathToFileURL(external).href;
		findings.libraries.set(path, { name, path: external });
		return { path, external: true };
	}
	if (args.asRequire) return { path: file, external: true };
	if (format === "esm" && kind !== "require-call" && (await isCommonJsFile(file, folder))) {
		return { path: file, namespace: COMMON_JS };
	}
	return { path: pathToFileURL(file).href, external: true };
}

const NODE_LOADS = /\.[cm]?js$|[\\/][^.\\/]+$/;

/** The host's copy is lent by its name, and nothing beside it. */
function hostLibraryOf(file: string, specifier: string): string | undefined {
	const folder = packageFolderOf(file);
	return folder?.endsWith(join("node_modules", packageOf(specifier))) === true ? folder : undefined;
}

function describeOutside(specifier: string, { root }: ModulePaths): string {
	return (
		`"${specifier.slice(0, MAX_SHOWN)}" leads to what is not installed for this module. Packages are taken from a node_modules beside ` +
		`the file that imports them, or further up: install it in the folder that holds ${basename(root)}/.`
	);
}

function refused(text: string): OnResolveResult {
	return { errors: [{ text }] };
}
