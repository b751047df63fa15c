import type { Loader, OnLoadArgs, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from "esbuild";
import { realpath } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { BundledLibraries } from "../packages/bundled-libraries.ts";
import { type FileStamp, stampOf } from "../../core/file-fingerprint.ts";
import { type FolderRefusal, judgeManifests, judgePackage } from "./folder-judge.ts";
import { findClimbingImport } from "./computed-imports.ts";
import { isInside } from "../../core/paths.ts";
import { isInNodeModules } from "../packages/package-folder.ts";
import type { PackagePlaces } from "../packages/package-places.ts";
import type { ModulePaths } from "./module-paths.ts";
import { packageOf } from "../packages/shared-libraries.ts";
import type { SourceGuard } from "./import-guard.ts";
import { addLocation, withoutSourceMap } from "./location-shim.ts";
import { type BundleFormat, type PackageFindings, resolvePackages } from "./package-imports.ts";

/** What one build of a module came across. */
export interface BuildFindings {
	readonly packages: PackageFindings;
	/** Real paths of the files that esbuild was given the contents of. */
	readonly loaded: Set<string>;
}

/**
 * Told of each file that is read, by the author's path, with its stamp from just before: a change that comes while the
 * build runs is seen as one.
 */
export type OnRead = (path: string, stamp: FileStamp) => void;

export interface ModulePluginOptions {
	readonly paths: ModulePaths;
	readonly guard: SourceGuard;
	readonly places: PackagePlaces;
	readonly format: BundleFormat;
	readonly bundled: BundledLibraries;
	readonly onRead: OnRead;
}

export interface ModulePlugin {
	readonly plugin: Plugin;
	readonly findings: BuildFindings;
}

/**
 * How esbuild resolves and reads the imports of one module. It reads no file of it by itself: what it compiles was opened,
 * judged and read here. For one build.
 */
export function createModulePlugin(options: ModulePluginOptions): ModulePlugin {
	const { paths, guard, places, format, bundled, onRead } = options;
	const packages: PackageFindings = { libraries: new Map(), folders: new Set(), entries: new Set(), names: [] };
	const findings: BuildFindings = { packages, loaded: new Set() };
	const judged = new Map<string, Promise<FolderRefusal | undefined>>();
	let bytes = 0;

	async function load({ path, with: attributes }: OnLoadArgs): Promise<OnLoadResult> {
		const loader = loaderOf(path, attributes);
		if (loader === undefined) return refuse(`${paths.say(path)} ${UNKNOWN_ATTRIBUTE}`);
		if (findings.loaded.size >= MAX_FILES) return refuse(`More than ${MAX_FILES} files are imported. Import less.`);
		const author = await paths.locate(path);
		const read = await guard.read(path);
		if (!read.ok) {
			onRead(author, await stampOf(author));
			return refuse(read.problem);
		}
		findings.loaded.add(path);
		bytes += read.contents.length;
		if (bytes > MAX_BYTES) return refuse(`More than ${MAX_BYTES / 1024 ** 2} MiB are imported. ${IMPORT_LESS}`);
		onRead(author, read.stamp);
		if (loader !== "default") return { contents: read.contents, loader };
		if (path.endsWith(".css")) return { contents: withoutSourceMap(read.contents.toString(), "css"), loader };
		if (!CODE.test(path)) return { contents: read.contents, loader };
		const text = read.contents.toString().replace(/^\uFEFF/, "");
		const climbing = findClimbingImport(text, depthOf(path));
		if (climbing !== undefined) return refuse(`${paths.say(path)} ${climbing}`);
		return { contents: withoutSourceMap(addLocation(text, author) ?? text, "js"), loader };
	}

	/** How far up a path may lead from a file. In packages, which the operator installed, as far as it likes. */
	function depthOf(path: string): number {
		if (isInNodeModules(path)) return Number.POSITIVE_INFINITY;
		const home = isInside(paths.realRoot, path) ? relative(paths.realRoot, path) : "";
		return home.split(sep).length - 1;
	}

	/** Before esbuild looks for what is imported, and reads each package.json on its way. */
	function judge(folder: string, by: () => Promise<FolderRefusal | undefined>): Promise<FolderRefusal | undefined> {
		const verdict = judged.get(folder) ?? by();
		judged.set(folder, verdict);
		return verdict;
	}

	async function judgeImport({
		path,
		resolveDir,
		kind,
		namespace,
	}: OnResolveArgs): Promise<OnResolveResult | undefined> {
		if (kind === "entry-point" || namespace !== "file") return undefined;
		const problem =
			/^\.{0,2}\//.test(path) || path === "." || path === ".."
				? await judgeTarget(resolve(resolveDir, path))
				: await judgePackages(packageOf(path), resolveDir);
		if (problem === undefined) return undefined;
		onRead(problem.path, await stampOf(problem.path));
		return refuse(problem.problem);
	}

	async function judgeTarget(target: string): Promise<FolderRefusal | undefined> {
		return isInside(paths.realRoot, target) ? judge(target, () => judgeManifests(paths, target)) : undefined;
	}

	async function judgePackages(name: string, from: string): Promise<FolderRefusal | undefined> {
		for (let folder = from; isInside(paths.realRoot, folder); folder = dirname(folder)) {
			const home = await realpath(join(folder, "node_modules", name)).catch(() => undefined);
			if (home === undefined || !isInside(paths.realRoot, home)) continue;
			const problem = await judge(home, () => judgePackage(home, paths, guard));
			if (problem !== undefined) return problem;
		}
		return undefined;
	}

	return {
		plugin: {
			name: "bulkhead",
			setup(build) {
				resolvePackages(build, { paths, places, guard, format, bundled, findings: packages });
				build.onResolve({ filter: /(?:)/ }, judgeImport);
				build.onLoad({ filter: /(?:)/, namespace: "file" }, load);
				build.onLoad({ filter: /(?:)/, namespace: "dataurl" }, loadDataUrl);
			},
		},
		findings,
	};
}

const CODE = /\.[cm]?[jt]sx?$/;

const MAX_FILES = 10_000;
const MAX_BYTES = 128 * 1024 * 1024;
const IMPORT_LESS = "Import less, or read data when the module runs.";
const UNKNOWN_ATTRIBUTE =
	'is imported with an attribute that is not supported: there are `type: "json"`, "text" and "bytes".';

function refuse(text: string): { readonly errors: { readonly text: string }[] } {
	return { errors: [{ text }] };
}

/** With an attribute, as `with { type: "text" }`, it is not read as code. */
function loaderOf(path: string, attributes: Readonly<Record<string, string>>): Loader | undefined {
	const names = Object.keys(attributes);
	if (names.length === 0) return path.endsWith(".json") ? "json" : "default";
	if (names.length > 1 || names[0] !== "type") return undefined;
	const loaders: Readonly<Record<string, Loader>> = { json: "json", text: "text", bytes: "binary" };
	return loaders[attributes["type"] ?? ""];
}

/** Code in a `data:` URL has comments as well. */
async function loadDataUrl({ path, with: attributes }: OnLoadArgs): Promise<OnLoadResult | undefined> {
	const type = /^data:([^;,]*)/.exec(path)?.[1];
	if (Object.keys(attributes).length > 0 || (type !== "text/javascript" && type !== "text/css")) return undefined;
	try {
		const text = await (await fetch(path)).text();
		return type === "text/css"
			? { contents: withoutSourceMap(text, "css"), loader: "css" }
			: { contents: withoutSourceMap(text, "js"), loader: "js" };
	} catch {
		return refuse("It is no data: URL that can be read.");
	}
}
