import { BulkheadError, messageOf } from "../../core/errors.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import { locateError, type ModuleProblem } from "./error-location.ts";
import { moduleLine } from "./module-line.ts";
import { createGeneration, type Generation } from "./generation.ts";
import type { MemoryBytes, ModuleWorker } from "../worker/worker.ts";
import type { RestartReason } from "./restart-policy.ts";
import type { RunnerOptions, WorkerUsage } from "./runner-types.ts";
import { type CatalogDto, describeUnlisted, firstVanished, readCatalog } from "../../../workers/wire/catalog.ts";
import type { StartedDto } from "../../../workers/wire/messages.ts";

export interface WatchedGeneration {
	readonly generation: Generation;
	/** Why the watch has ended it, if it has. */
	trouble(): RestartReason | undefined;
	/** What it takes, as the watch has seen it last. */
	usage(): WorkerUsage;
}

/** What the watch on a generation has to know of it, and whom it tells. */
export interface GenerationRole {
	/** It has been started and does not serve yet: it has a deadline for that, and may block its event loop. */
	isStarting(generation: Generation): boolean;
	/** It is the one whose lists count. */
	isServing(generation: Generation): boolean;
	onTrouble(generation: Generation, reason: "hang" | "out_of_memory" | "crash", message: string): void;
	/** It is still at work on a call or a collection whose time is long over. */
	onOverrun(generation: Generation, reason: "call_timeout" | "collect_timeout"): void;
}

const MAX_CANCEL_GRACE_MS = 5000;

/** A worker for a version of a module, under watch; or why not even the worker could be made. */
export function watchedGeneration(
	options: RunnerOptions,
	compiled: CompiledModule,
	number: number,
	role: GenerationRole,
): WatchedGeneration | BulkheadError {
	const { id, onEvent } = options;
	const settings = options.settings();
	const locate = (error: WireErrorDto): ModuleProblem => locateError(error, compiled.inputs, options.displayRoot);
	let worker: ModuleWorker;
	try {
		worker = options.startWorker(compiled, number);
	} catch (error) {
		return new BulkheadError("MODULE_START_FAILED", `its worker could not be made: ${messageOf(error)}`, {
			cause: error,
		});
	}
	let trouble: RestartReason | undefined;
	let relisted: string | undefined;
	const generation = createGeneration({
		number,
		hash: compiled.hash,
		worker,
		graceMs: Math.min(settings.callTimeoutMs, MAX_CANCEL_GRACE_MS),
		start: {
			moduleId: id,
			bundlePath: compiled.bundlePath,
			clientPaths: compiled.clients.map((client) => client.path),
			serverInfo: options.serverInfo,
			limits: settings,
			...options.sandbox(compiled),
		},
		onEvent: (event, labels) => {
			if (event.type === "logged") return onEvent({ type: "lineWritten", line: moduleLine(event, labels, locate) });
			// These hold whichever generation says them: one that is being replaced still has calls to finish.
			if (event.type !== "relisted") return onEvent(event);
			if (!role.isServing(generation) || event.json === relisted) return; // said again
			relisted = event.json;
			const catalog = readCatalog(event.json);
			if (catalog !== undefined) onEvent({ type: "catalogChanged", catalog });
		},
		onViolation: (text) => onEvent({ type: "warned", text }),
		onUnruly: (what) => {
			trouble = "crash";
			role.onTrouble(generation, "crash", `its worker was ended, because it ${what} again and again`);
		},
		onOverrun: (type) => role.onOverrun(generation, type === "call" ? "call_timeout" : "collect_timeout"),
	});
	let memoryBytes: MemoryBytes = {};
	let cpuSeconds: number | undefined;
	let looks = 0;
	const watching = options.watch.add({
		memoryLimitBytes: settings.memoryBytes,
		hangTimeoutMs: () => (role.isStarting(generation) ? undefined : settings.hangTimeoutMs),
		idleMs: worker.idleMs,
		async memoryUsage() {
			const { heldBytes, bytes } = await worker.memoryUsage();
			if (looks++ % LOOKS_PER_CPU_LOOK === 0) cpuSeconds = await worker.cpuSeconds();
			memoryBytes = bytes;
			return heldBytes;
		},
		pageFaults: worker.pageFaults,
		responds: generation.responds,
		onTrouble: ({ reason, message }) => {
			trouble = reason;
			role.onTrouble(generation, reason, message);
		},
	});
	void generation.ended.then(watching.end);
	return {
		generation,
		trouble: () => trouble,
		usage: () => ({ memoryBytes, cpuSeconds, eventLoopUtilization: watching.utilization() }),
	};
}

/** It is shown once a second, and memory is looked at ten times as often. */
const LOOKS_PER_CPU_LOOK = 10;

/** @throws {BulkheadError} when something that is listed now would vanish because it cannot be listed any more */
export function readCatalogOf(started: StartedDto, before: CatalogDto | undefined): CatalogDto | undefined {
	const catalog = started.catalog === undefined ? undefined : readCatalog(started.catalog);
	const vanished = catalog && before && firstVanished(before, catalog);
	if (vanished === undefined) return catalog;
	throw new BulkheadError(
		"MODULE_START_FAILED",
		`it cannot list any more what it lists: ${describeUnlisted(vanished)}`,
	);
}
