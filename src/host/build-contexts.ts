import { type BuildContext, type BuildOptions, type BuildResult, context } from "esbuild";
import type { BuildService } from "./build-service.ts";

export type ModuleBuildOptions = BuildOptions & { readonly metafile: true; readonly write: false };

/** esbuild contexts, which make building a module again quick: what did not change is not parsed again. */
export interface BuildContexts<Attached> {
	/**
	 * @param name of the context; only one build of one name at a time
	 * @param inputs changes when the context has to be made anew
	 * @param prepare makes the options, and what belongs to them for as long as the context lives
	 * @param before runs before each build
	 * @throws {BuildFailure} of esbuild; {ServiceEndedError}
	 */
	build(
		name: string,
		inputs: string,
		prepare: () => { readonly options: ModuleBuildOptions; readonly attached: Attached },
		before: (attached: Attached) => void,
	): Promise<{ readonly result: BuildResult<ModuleBuildOptions>; readonly attached: Attached }>;
	dispose(name: string): void;
	disposeAll(): void;
}

/** @param max how many contexts are kept, each of which holds the syntax trees of a module in memory */
export function createBuildContexts<Attached>(service: BuildService, max: number): BuildContexts<Attached> {
	const kept = new Map<string, Kept<Attached>>(); // the one used last comes last

	function dispose(name: string): void {
		const old = kept.get(name);
		if (old === undefined) return;
		kept.delete(name);
		// One of an ended child process is gone already, and would wait for ever for an answer.
		if (old.generation === service.generation()) void service.run(() => old.context.dispose()).catch(() => undefined);
	}

	function trim(): void {
		for (const [name, { building }] of kept) {
			if (kept.size <= max) return;
			if (!building) dispose(name);
		}
	}

	async function open(
		name: string,
		inputs: string,
		prepare: () => { readonly options: ModuleBuildOptions; readonly attached: Attached },
	): Promise<Kept<Attached>> {
		const old = kept.get(name);
		if (old !== undefined && old.inputs === inputs && old.generation === service.generation()) {
			kept.delete(name);
			kept.set(name, old);
			return old;
		}
		dispose(name);
		const { options, attached } = prepare();
		const generation = service.generation();
		const opened = { inputs, generation, attached, building: true, context: await service.run(() => context(options)) };
		kept.set(name, opened);
		return opened;
	}

	return {
		async build(name, inputs, prepare, before) {
			const current = await open(name, inputs, prepare);
			current.building = true;
			before(current.attached);
			try {
				return { result: await service.run(() => current.context.rebuild()), attached: current.attached };
			} finally {
				current.building = false;
				trim();
			}
		},
		dispose,
		disposeAll() {
			for (const name of [...kept.keys()]) dispose(name);
		},
	};
}

interface Kept<Attached> {
	readonly context: BuildContext<ModuleBuildOptions>;
	readonly inputs: string;
	readonly generation: number;
	readonly attached: Attached;
	building: boolean;
}
