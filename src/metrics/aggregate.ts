/**
 * The aggregated registry: what every module showed last, as bytes that scrapes only join, and how its last collection
 * went. The snapshots themselves are never looked at here: the intake (snapshot-intake.ts) checks and writes them in
 * another thread.
 */
import { isMarkedAsUntransferable } from "node:worker_threads";
import { createSlicer } from "../core/time-slicer.ts";
import type { ModuleProblem } from "../host/runner/error-location.ts";
import type { MetricFailures } from "../host/runner/requests.ts";
import type { CollectNews } from "./drops/log-lines.ts";
import type { CollectFailure, CollectReport } from "./drops/report.ts";
import type { DropReason, DropSink } from "./drops/drop-log.ts";
import { NOTHING_SHARED } from "./ownership/family-sharing.ts";
import { createHostReader, familyBytes, type HostSource } from "./self/host-source.ts";
import type { IntakePort, IntakeReply, IntakeRequest } from "./ingest/protocol.ts";
import { createPageComposer, type MetricsPage, type PageModule, type PageRequest } from "./page/page-composer.ts";
import type { ModuleLimits } from "./validate/module-limits.ts";
import { decodeWritten } from "./exposition/written-transfer.ts";
import type { CounterMode } from "../../workers/wire/messages.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../../workers/snapshot/limits.ts";

export interface AggregateOptions {
	readonly intake: IntakePort<IntakeRequest, IntakeReply>;
	/** Limits of a module, as the operator's policy has them now. */
	readonly limitsOf: (moduleId: string) => ModuleLimits;
	/** When the samples of a module that is not collected any more leave the page, in milliseconds. */
	readonly maxAgeMs: number;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** What the host itself exports, as `createHostMetrics().sources`. */
	readonly host: readonly HostSource[];
	/** For `mcp_collect_dropped_total`: after each collection, once per reason. */
	readonly onDrop: (moduleId: string, reason: DropReason, count: number) => void;
	/**
	 * For the log (collect-news.ts): the first time that a module loses something of a family for a reason, or is warned, and
	 * when its collections begin to fail, fail otherwise, or succeed again.
	 */
	readonly onNews?: ((moduleId: string, news: CollectNews) => void) | undefined;
	/** For `mcp_cache_requests_total`: whether a scraped page was ready. */
	readonly onPageLookup?: ((result: "hit" | "miss") => void) | undefined;
	/** For the log: what is kept for the next start of the host, and cannot be. */
	readonly onProblem?: ((what: string) => void) | undefined;
}

export interface MetricsAggregate {
	/**
	 * Takes a module's snapshot (workers/snapshot/encode-snapshot.ts) in place of the one before. Snapshots of one module are taken in
	 * the order of the calls; one of an older generation than the last is ignored. Never rejects for what is in the bytes.
	 * @param bytes handed over: they are not the caller's any more
	 */
	accept(moduleId: string, bytes: Uint8Array, meta: SnapshotMeta): Promise<CollectReport>;
	/** A collection that brought no snapshot. What the module showed last stays on the page until `maxAgeMs`. */
	fail(moduleId: string, code: CollectFailure, message: string, problem?: ModuleProblem): Promise<CollectReport>;
	/**
	 * The module's file is gone: its samples, names, counters and report go too. Its samples stay on the page until those
	 * have been collected once more that had to stand back for it, so that a module that was moved leaves no gap.
	 */
	remove(moduleId: string, succession?: Succession): void;
	/** The host has started, and these are the modules there are: what is kept of others is given up. */
	retain(moduleIds: readonly string[]): void;
	report(moduleId: string): CollectReport | undefined;
	/** Every module that was collected, or tried to be, since its file is there. */
	moduleIds(): readonly string[];
	/**
	 * The page, or some modules' part of it (`moduleIds`), in the format and encoding that the request prefers.
	 * Undefined when nothing is known of one of them.
	 */
	page(request: PageRequest): Promise<MetricsPage | undefined>;
}

export interface Succession {
	/** Modules that came as it went. */
	readonly heirs: readonly string[];
	/** Collects modules anew. Never rejects. */
	readonly recollect: (moduleIds: readonly string[]) => Promise<unknown>;
}

export interface SnapshotMeta {
	readonly generation: number;
	/** What the module, or the operator, says of its counters. */
	readonly counters?: CounterMode | undefined;
	/** Metrics that are missing from the snapshot since they could not be collected. */
	readonly failures?: MetricFailures | undefined;
}

export function createMetricsAggregate(options: AggregateOptions): MetricsAggregate {
	const { intake, now, maxAgeMs } = options;
	const modules = new Map<string, ModuleState>();
	const collecting = new Map<number, Collecting>();
	/** Modules that are gone, and still on the page. */
	const leaving = new Map<string, Leaving>();
	let collections = 0;
	let version = 0;
	let sharing = NOTHING_SHARED;

	/** The host's own families lose something only where the host has a defect; its count is the sign of it. */
	const hostSink: DropSink = {
		drop: (reason, _family, _series, count = 1) => options.onDrop("host", reason, count),
		warn() {},
	};
	const composer = createPageComposer({
		host: createHostReader(options.host, createSlicer(), hostSink),
		sharing: () => sharing,
		modules: () => modules,
		version: () => version,
		onLookup: options.onPageLookup,
	});

	intake.on("message", (reply) => {
		switch (reply.type) {
			case "collected":
				return collected(reply);
			case "failed": {
				const { reject } = taken(reply.id);
				return reject(new Error(reply.message));
			}
			case "find": {
				const samples = samplesOf(reply.moduleId, reply.family);
				return ask({ type: "found", id: reply.id, samples }, samples);
			}
			case "removed":
				return void handOver(reply);
			case "shared":
				sharing = reply.sharing;
				return undefined;
			case "problem":
				return options.onProblem?.(reply.what);
		}
	});

	return {
		accept(moduleId, bytes, { generation, counters, failures }) {
			if (bytes.byteLength > DEFAULT_SNAPSHOT_LIMITS.maxBytes) {
				return fail(moduleId, "payload_too_large", `the snapshot was refused: ${bytes.byteLength} bytes`);
			}
			const own = isOwn(bytes) ? bytes : new Uint8Array(bytes);
			const limits = options.limitsOf(moduleId);
			return collect(moduleId, (id) =>
				ask({ type: "accept", id, moduleId, bytes: own, generation, limits, counters, failures }, own),
			);
		},
		fail,
		remove(moduleId, succession) {
			const state = modules.get(moduleId);
			if (succession !== undefined && state?.shown !== undefined) {
				leaving.set(moduleId, { state, succession, successors: new Set(), held: new Map() });
			} else if (modules.delete(moduleId)) version++;
			ask({ type: "remove", moduleId, heirs: succession?.heirs ?? [] });
		},
		retain: (moduleIds) => ask({ type: "retain", moduleIds }),
		report: (moduleId) => modules.get(moduleId)?.report,
		moduleIds: () => [...modules.keys()].toSorted(),
		page(request) {
			expire();
			return composer.page(request);
		},
	};

	function fail(
		moduleId: string,
		code: CollectFailure,
		message: string,
		problem?: ModuleProblem,
	): Promise<CollectReport> {
		const error = { code, message, ...(problem !== undefined && { problem }) };
		return collect(moduleId, (id) => ask({ type: "fail", id, moduleId, error }));
	}

	function ask(request: IntakeRequest, handedOver?: Uint8Array): void {
		intake.postMessage(request, handedOver === undefined ? [] : [handedOver.buffer as ArrayBuffer]);
	}

	async function handOver({ moduleId, rivals }: Reply<"removed">): Promise<void> {
		const going = leaving.get(moduleId);
		if (going === undefined) return;
		for (const id of [...rivals, ...going.succession.heirs]) if (modules.has(id)) going.successors.add(id);
		going.successors.delete(moduleId);
		if (going.successors.size > 0) await going.succession.recollect([...going.successors]);
		if (leaving.get(moduleId) === going) leave(moduleId, going);
	}

	/** At once with what its successors show, so that no series is on the page twice, and none is missing. */
	function leave(moduleId: string, { state, held }: Leaving): void {
		leaving.delete(moduleId);
		if (modules.get(moduleId) === state) modules.delete(moduleId);
		version++;
		for (const show of held.values()) show();
	}

	function collect(moduleId: string, start: (id: number) => void): Promise<CollectReport> {
		const going = leaving.get(moduleId);
		if (going !== undefined) leave(moduleId, going); // it is back already
		let state = modules.get(moduleId);
		if (state === undefined) modules.set(moduleId, (state = { shown: undefined, report: undefined }));
		const id = ++collections;
		const { promise, ...settle } = Promise.withResolvers<CollectReport>();
		collecting.set(id, { moduleId, state, ...settle });
		start(id);
		return promise;
	}

	function taken(id: number): Collecting {
		const waiting = collecting.get(id);
		if (waiting === undefined) throw new Error(`the intake answered a collection ${id} that nobody waits for`);
		collecting.delete(id);
		return waiting;
	}

	function collected({ id, report, drops, news, shown, sharing: changed }: Reply<"collected">): void {
		const { moduleId, state, resolve } = taken(id);
		sharing = changed ?? sharing;
		const isCurrent = modules.get(moduleId) === state;
		if (shown !== undefined && isCurrent) {
			const show = (): void => {
				state.shown = { ...shown, written: decodeWritten(shown.written), version: ++version };
				composer.prepare(moduleId);
			};
			const owner = [...leaving.values()].find(({ successors }) => successors.has(moduleId));
			if (owner === undefined) show();
			else owner.held.set(moduleId, show);
		}
		state.report = { ...report, series: shown?.series ?? state.shown?.series ?? 0 };
		if (isCurrent) {
			for (const [reason, count] of drops) options.onDrop(moduleId, reason, count);
			for (const each of news) options.onNews?.(moduleId, each);
		}
		resolve(state.report);
	}

	/** Samples of a family on the text page, in a buffer of their own. */
	function samplesOf(moduleId: string, family: string): Uint8Array | undefined {
		const written = modules.get(moduleId)?.shown?.written.text;
		const samples = written === undefined ? undefined : familyBytes(written, family, "samples");
		return samples === undefined ? undefined : new Uint8Array(samples);
	}

	/** Samples that nobody stands behind any more leave the page; names and counters stay their module's. */
	function expire(): void {
		const oldest = now() - maxAgeMs;
		for (const state of modules.values()) {
			if (state.shown === undefined || state.shown.at >= oldest) continue;
			state.shown = undefined;
			if (state.report !== undefined) state.report = { ...state.report, series: 0 };
			version++;
		}
	}
}

type Reply<Type extends IntakeReply["type"]> = Extract<IntakeReply, { type: Type }>;

interface ModuleState {
	shown: PageModule["shown"];
	report: CollectReport | undefined;
}

/** A module whose file is gone. */
interface Leaving {
	readonly state: ModuleState;
	readonly succession: Succession;
	/** Those that have to be collected first. */
	readonly successors: Set<string>;
	/** What they show from then on. */
	readonly held: Map<string, () => void>;
}

/** A collection that the intake has been told of and has not answered. */
interface Collecting {
	readonly moduleId: string;
	readonly state: ModuleState;
	resolve(report: CollectReport): void;
	reject(error: Error): void;
}

/** Whether the memory can be handed over: it is no pool's, and no worker writes to it still. */
function isOwn({ buffer }: Uint8Array): boolean {
	return buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer);
}
