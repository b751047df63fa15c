import type { OnLoadArgs, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { readFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../core/errors.ts";
import type { BundledLibraries } from "./bundled-libraries.ts";
import { type FileStamp, readStamp } from "./file-fingerprint.ts";
import type { ModulePaths } from "./module-paths.ts";
import { packageOf, SHARED_IMPORT, type SharedLibrary } from "./shared-libraries.ts";
import { createSourceGuard, isInPackages } from "./import-guard.ts";
import { addLocation } from "./location-shim.ts";

export type BundleFormat = "esm" | "cjs";

/** What one build of a module came across. */
export interface BuildFindings {
	/**
	 * The author's paths of the files that were read, each with its stamp from just before: a change that comes while
	 * the build runs is seen as one. An installed package is watched by its package.json, which an update changes.
	 */
	readonly stamps: Map<string, FileStamp>;
	/** Shared libraries that were resolved, by the path that the bundle says. */
	readonly libraries: Map<string, SharedLibrary>;
}

export interface ModulePlugin {
	readonly plugin: Plugin;
	/** Of the build that runs; to be emptied before each. */
	readonly findings: BuildFindings;
}

/** How esbuild resolves and reads the imports of one module. */
export function createModulePlugin(
	paths: ModulePaths,
	format: BundleFormat,
	bundled: BundledLibraries,
	refusedBuiltin: (name: string) => string | undefined,
): ModulePlugin {
	const findings: BuildFindings = { stamps: new Map(), libraries: new Map() };
	const guard = createSourceGuard(paths);

	async function load({ path, with: attributes }: OnLoadArgs): Promise<OnLoadResult | undefined> {
		const author = await paths.locate(path);
		const verdict = await guard(path);
		if (!verdict.ok) return { errors: [{ text: verdict.problem }] };
		await recordInput(path, author, verdict.stamp);
		// With an attribute, as `with { type: "text" }`, it is not read as code.
		if (!CODE.test(path) || Object.keys(attributes).length > 0) return undefined;
		try {
			const contents = addLocation(await readFile(path, "utf8"), author);
			return contents === undefined ? undefined : { contents, loader: "default" };
		} catch (error) {
			return { errors: [{ text: `${paths.say(path)} cannot be read: ${messageOf(error)}` }] };
		}
	}

	async function recordInput(path: string, author: string, stamp: FileStamp): Promise<void> {
		if (!isInPackages(path)) {
			findings.stamps.set(author, stamp);
			return;
		}
		const manifest = manifestOf(path);
		if (manifest === undefined || findings.stamps.has(manifest)) return;
		const manifestStamp = await readStamp(manifest);
		if (manifestStamp !== undefined) findings.stamps.set(manifest, manifestStamp);
	}

	return {
		plugin: {
			name: "bulkhead",
			setup(build) {
				build.onResolve({ filter: SHARED_IMPORT }, (args) => resolveShared(build, args, format, bundled, findings));
				build.onResolve({ filter: /^https?:/ }, ({ path }) => ({
					errors: [
						{
							text: `"${path}" cannot be imported: code comes from the module folder and from packages, never from a URL.`,
						},
					],
				}));
				build.onResolve({ filter: BUILTIN }, ({ path, kind, importer }) => {
					// Packages import much that they do without; what they use all the same is refused when they use it.
					if (kind !== "import-statement" || !isBuiltin(path) || isInPackages(importer)) return undefined;
					const refusal = refusedBuiltin(path.replace(/^node:/, ""));
					return refusal === undefined ? undefined : { errors: [{ text: refusal }] };
				});
				build.onLoad({ filter: /(?:)/, namespace: "file" }, load);
			},
		},
		findings,
	};
}

/** Looks like the name of a built-in; whether it is one, Node knows. */
const BUILTIN = /^(?:node:)?[a-z_0-9]+(?:\/[a-z_0-9]+)?$/;

const CODE = /\.[cm]?[jt]sx?$/;

/** Marks our own question, so that it is not answered by asking it again. */
const OWN_QUESTION = Symbol("own question");

/**
 * Leaves a shared library out of the bundle, and names its file, since the bundle lies where a bare name would not
 * resolve. The author's own copy comes first, as it would without a bundle; then the one that the host has.
 */
async function resolveShared(
	build: PluginBuild,
	{ path: specifier, kind, resolveDir, pluginData }: OnResolveArgs,
	format: BundleFormat,
	bundled: BundledLibraries,
	findings: BuildFindings,
): Promise<OnResolveResult | undefined> {
	if (pluginData === OWN_QUESTION || kind === "entry-point") return undefined;
	// esbuild writes an `import` statement as `require()` into a CommonJS bundle, which then needs a CommonJS build.
	const asRequire =
		kind === "require-call" || kind === "require-resolve" || (kind === "import-statement" && format === "cjs");
	for (const from of [resolveDir, import.meta.dirname]) {
		const resolved = await build.resolve(specifier, {
			kind: asRequire ? "require-call" : kind,
			resolveDir: from,
			pluginData: OWN_QUESTION,
		});
		if (resolved.errors.length > 0) continue;
		const file = bundled.get(resolved.path)?.path ?? resolved.path;
		const path = asRequire ? file : pathToFileURL(file).href;
		findings.libraries.set(path, { name: packageOf(specifier), path: file });
		return { path, external: true };
	}
	return undefined; // esbuild says that it is missing, or lets it pass within try and catch
}

/** The package.json of the innermost installed package that a file lies in. */
function manifestOf(path: string): string | undefined {
	const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(path)?.[0];
	return folder === undefined ? undefined : `${folder}/package.json`;
}
