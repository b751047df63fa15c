import { type BuildContext, type BuildOptions, type BuildResult, context } from "esbuild";
import type { BuildService } from "./esbuild-service.ts";

export type ModuleBuildOptions = BuildOptions & { readonly metafile: true; readonly write: false };

/** esbuild contexts, which make building a module again quick: what did not change is not parsed again. */
export interface BuildContexts<Attached> {
	/**
	 * The context of this name, made anew when `key` is another one or esbuild's process is.
	 *
	 * @param prepare makes the options, and what goes with them for as long as the context lives
	 * @throws ServiceEndedError
	 */
	open(
		name: string,
		key: string,
		prepare: () => { readonly options: ModuleBuildOptions; readonly attached: Attached },
	): Promise<OpenContext<Attached>>;
	dispose(name: string): void;
	disposeAll(): void;
}

/** Of use until its name is opened again, for one build. */
export interface OpenContext<Attached> {
	readonly attached: Attached;
	/** @throws BuildFailure of esbuild; ServiceEndedError */
	rebuild(): Promise<BuildResult<ModuleBuildOptions>>;
}

/** @param max how many contexts are kept, each of which holds the syntax trees of a module in memory */
export function createBuildContexts<Attached>(service: BuildService, max: number): BuildContexts<Attached> {
	const kept = new Map<string, Kept<Attached>>(); // the one used last comes last

	function dispose(name: string): void {
		const old = kept.get(name);
		if (old === undefined) return;
		kept.delete(name);
		// One of an ended process is gone already.
		if (old.generation === service.generation()) service.run(() => old.context.dispose()).catch(() => undefined);
	}

	function trim(): void {
		for (const [name, { inUse }] of kept) {
			if (kept.size <= max) return;
			if (!inUse) dispose(name);
		}
	}

	async function find(
		name: string,
		key: string,
		prepare: () => { readonly options: ModuleBuildOptions; readonly attached: Attached },
	): Promise<Kept<Attached>> {
		const old = kept.get(name);
		if (old !== undefined && old.key === key && old.generation === service.generation()) {
			kept.delete(name);
			return old;
		}
		dispose(name);
		const generation = service.generation();
		const { options, attached } = prepare();
		return { key, generation, attached, inUse: true, context: await service.run(() => context(options)) };
	}

	return {
		async open(name, key, prepare) {
			const current = await find(name, key, prepare);
			current.inUse = true;
			kept.set(name, current);
			return {
				attached: current.attached,
				async rebuild() {
					try {
						return await service.run(() => current.context.rebuild());
					} finally {
						current.inUse = false;
						trim();
					}
				},
			};
		},
		dispose,
		disposeAll() {
			for (const name of [...kept.keys()]) dispose(name);
		},
	};
}

interface Kept<Attached> {
	readonly context: BuildContext<ModuleBuildOptions>;
	readonly key: string;
	readonly generation: number;
	readonly attached: Attached;
	inUse: boolean;
}
