/**
 * The aggregated registry: what every module showed last, checked, and written once as bytes that scrapes only join.
 *
 * Snapshots of different modules are checked side by side in slices of the event loop; names are claimed and bytes
 * written one module after the other, so that two modules cannot both win a name.
 */
import { type CheckedFamily, linesOf } from "./checked-family.ts";
import type { CollectNews } from "./collect-news.ts";
import { type CollectError, type CollectFailure, type CollectReport, collectReport } from "./collect-report.ts";
import { createCounterContinuity } from "./counter-continuity.ts";
import { createCounterKeeper } from "./counter-keeper.ts";
import type { CounterStore } from "./counter-store.ts";
import type { DropReason, DropSink } from "./drop-log.ts";
import { createDropLog } from "./drop-log.ts";
import { createFailureNews } from "./failure-news.ts";
import { writeFamilies } from "./exposition-writer.ts";
import { createFamilyOwnership } from "./family-ownership.ts";
import type { HostSource } from "./host-source.ts";
import { createHostReader } from "./host-source.ts";
import { isLegacyName } from "./metric-names.ts";
import type { OwnedNames } from "../state/owner-file.ts";
import type { OwnedFamily } from "./family-owners.ts";
import type { MetricsPage, PageModule, PageRequest } from "./metrics-page.ts";
import { createPageComposer } from "./metrics-page.ts";
import { type ModuleLimits, snapshotRules } from "./module-limits.ts";
import { shownSeries } from "./shown-series.ts";
import { createSlicer } from "../slicer.ts";
import { readSnapshot } from "./snapshot-reader.ts";

export interface AggregateOptions {
	readonly limits: ModuleLimits;
	/** Limits of a module that the operator's policy sets apart; `limits` where it gives none. */
	readonly limitsOf?: (moduleId: string) => ModuleLimits | undefined;
	/** When the samples of a module that is not collected any more leave the page, in milliseconds. */
	readonly maxAgeMs: number;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Where counters are kept while the host is down; without it they begin again at zero. */
	readonly counters?: CounterStore;
	/** Owners of names that a host before this one kept, and who is told when they change. */
	readonly owners?: {
		readonly kept: readonly OwnedNames<OwnedFamily>[];
		readonly changed: (owned: () => Iterable<OwnedNames<OwnedFamily>>) => void;
	};
	/** What the host itself exports, as `createHostMetrics().sources`. */
	readonly host: readonly HostSource[];
	/** For `mcp_collect_dropped_total`: after each collection, once per reason. */
	readonly onDrop: (moduleId: string, reason: DropReason, count: number) => void;
	/**
	 * For the log (collect-news.ts): the first time that a module loses something of a family for a reason, or is warned, and
	 * when its collections begin to fail, fail otherwise, or succeed again.
	 */
	readonly onNews?: (moduleId: string, news: CollectNews) => void;
}

export interface MetricsAggregate {
	/**
	 * Takes a module's snapshot (workers/snapshot.ts) in place of the one before. Snapshots of one module are taken in
	 * the order of the calls; one of an older generation than the last is ignored. Never rejects for what is in the bytes.
	 */
	accept(moduleId: string, bytes: Uint8Array, meta: { readonly generation: number }): Promise<CollectReport>;
	/** A collection that brought no snapshot. What the module showed last stays on the page until `maxAgeMs`. */
	fail(moduleId: string, code: CollectFailure, message: string): CollectReport;
	/** The module's file is gone: its samples, names, counters and report go too. */
	remove(moduleId: string): void;
	/** The host has started, and these are the modules there are: names that others owned before are free. */
	retainOwners(moduleIds: readonly string[]): void;
	report(moduleId: string): CollectReport | undefined;
	/** Every module that was collected, or tried to be, since its file is there. */
	moduleIds(): readonly string[];
	/**
	 * The page, or some modules' part of it (`moduleIds`), in the format and encoding that the request prefers.
	 * Undefined when nothing is known of one of them.
	 */
	page(request: PageRequest): Promise<MetricsPage | undefined>;
}

export function createMetricsAggregate(options: AggregateOptions): MetricsAggregate {
	const { now, maxAgeMs } = options;
	const slicer = createSlicer();
	const keeper = options.counters === undefined ? undefined : createCounterKeeper(options.counters, slicer);
	const modules = new Map<string, ModuleState>();
	let publishing: Promise<unknown> = Promise.resolve();
	let version = 0;

	const hostFamilies = options.host.flatMap(({ families }) => families);
	const names: ReadonlySet<string> = new Set(hostFamilies.map(({ name }) => name));
	const limitsOf = (moduleId: string): ModuleLimits => options.limitsOf?.(moduleId) ?? options.limits;
	const ownership = createFamilyOwnership({
		hostFamilies,
		*shownSeries(moduleId, family) {
			const shown = modules.get(moduleId)?.shown;
			return shown === undefined ? [] : yield* shownSeries(shown.written, family);
		},
		leaseMs: maxAgeMs,
		maxSeries: options.limits.maxSeries,
	});
	ownership.restore(options.owners?.kept ?? [], now());
	let keptRevision = ownership.revision;
	const keepOwners = (): void => {
		if (ownership.revision === keptRevision) return;
		keptRevision = ownership.revision;
		options.owners?.changed(ownership.owned);
	};
	/** The host's own families lose something only where the host has a defect; its count is the sign of it. */
	const hostSink: DropSink = {
		drop: (reason, _family, _series, count = 1) => options.onDrop("host", reason, count),
		warn() {},
	};
	const composer = createPageComposer({
		host: createHostReader(options.host, slicer, hostSink),
		ownership,
		modules: () => modules,
		version: () => version,
	});

	return {
		accept(moduleId, bytes, { generation }) {
			const state = stateOf(moduleId);
			const accepted = state.accepting.then(() => takeSnapshot(moduleId, state, bytes, generation));
			state.accepting = accepted.catch(() => undefined);
			return accepted;
		},
		fail(moduleId, code, message) {
			const state = stateOf(moduleId);
			const at = now();
			state.log.begin(at);
			return finish(moduleId, state, at, { code, message });
		},
		remove(moduleId) {
			// Its names even when it has not been collected: a host before this one may have kept them for it.
			ownership.release(moduleId);
			keepOwners();
			if (!modules.delete(moduleId)) return;
			keeper?.forget(moduleId);
			version++;
		},
		retainOwners(moduleIds) {
			ownership.retain(moduleIds);
			keepOwners();
		},
		report: (moduleId) => modules.get(moduleId)?.report,
		moduleIds: () => [...modules.keys()].toSorted(),
		page(request) {
			expire();
			return composer.page(request);
		},
	};

	function stateOf(moduleId: string): ModuleState {
		let state = modules.get(moduleId);
		if (state === undefined) {
			state = {
				log: createDropLog(),
				failures: createFailureNews(),
				continuity: createCounterContinuity(() => limitsOf(moduleId).maxSeries),
				accepting: Promise.resolve(),
				generation: Number.NEGATIVE_INFINITY,
				shown: undefined,
				report: undefined,
			};
			modules.set(moduleId, state);
		}
		return state;
	}

	async function takeSnapshot(
		moduleId: string,
		state: ModuleState,
		bytes: Uint8Array,
		generation: number,
	): Promise<CollectReport> {
		const at = now();
		// A late answer: a newer generation has answered already, or the module is gone.
		if (generation < state.generation || modules.get(moduleId) !== state) {
			return state.report ?? collectReport(state.log, 0, at);
		}
		await keeper?.restore(moduleId, state.continuity);
		const sink = state.log.begin(at);
		const reading = await slicer.run(readSnapshot(bytes, snapshotRules(moduleId, limitsOf(moduleId), names), sink));
		if (!reading.ok) {
			return finish(moduleId, state, at, { code: reading.reason, message: reading.message });
		}
		const published = publishing.then(async () => {
			if (modules.get(moduleId) !== state) return;
			const owned = await slicer.run(claim(moduleId, state, reading.families));
			await keeper?.keep(moduleId, state.continuity, () => modules.get(moduleId) === state);
			await slicer.run(publish(moduleId, state, owned));
		});
		publishing = published.catch(() => undefined);
		await published;
		keepOwners();
		composer.prepare(moduleId);
		return finish(moduleId, state, at);

		function* claim(
			id: string,
			target: ModuleState,
			families: readonly CheckedFamily[],
		): Generator<undefined, readonly CheckedFamily[]> {
			const owned = yield* ownership.claim(id, families, at, sink);
			yield* target.continuity.apply(owned, generation, sink);
			return owned;
		}

		function* publish(id: string, target: ModuleState, owned: readonly CheckedFamily[]): Generator<undefined, void> {
			const written = yield* writeFamilies(owned);
			if (modules.get(id) !== target) {
				// Removed while this ran: what was claimed for it must not outlive it.
				ownership.release(id);
				return;
			}
			target.generation = generation;
			target.shown = { written, series: linesOf(owned), at, version: ++version, hasUtf8: hasUtf8(owned) };
		}
	}

	/** A collection has ended: says what it lost, and how it went. */
	function finish(moduleId: string, state: ModuleState, at: number, error?: CollectError): CollectReport {
		const { log } = state;
		if (error !== undefined) log.fail(error.code);
		const failure = state.failures.next(error);
		if (modules.get(moduleId) === state) {
			for (const [reason, count] of log.counts()) options.onDrop(moduleId, reason, count);
			for (const news of log.news()) options.onNews?.(moduleId, news);
			if (failure !== undefined) options.onNews?.(moduleId, failure);
		}
		state.report = collectReport(log, state.shown?.series ?? 0, at, error);
		return state.report;
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

interface ModuleState extends PageModule {
	readonly log: ReturnType<typeof createDropLog>;
	readonly failures: ReturnType<typeof createFailureNews>;
	readonly continuity: ReturnType<typeof createCounterContinuity>;
	/** Settles when the snapshots that came before have been taken. */
	accepting: Promise<unknown>;
	generation: number;
	shown: PageModule["shown"];
	report: CollectReport | undefined;
}

function hasUtf8(families: readonly CheckedFamily[]): boolean {
	return families.some(({ name }) => !isLegacyName(name));
}
