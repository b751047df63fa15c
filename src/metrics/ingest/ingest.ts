/**
 * Takes snapshots in: checks them, claims their names, keeps their counters going, and writes them once as the bytes that
 * scrapes join. It runs in a thread of the host's own (intake-thread.ts), so that main, which every request needs, spends
 * nothing on what a module sends, and has none of it to collect as garbage.
 *
 * Snapshots of different modules are checked side by side in slices; names are claimed and bytes written one module after
 * the other, so that two modules cannot both win a name.
 */
import { messageOf } from "../../core/errors.ts";
import { createSlicer } from "../../core/time-slicer.ts";
import type { OwnedNames } from "../../state/owner-file.ts";
import { type CheckedFamily, linesOf } from "../validate/family.ts";
import { type CollectError, type CollectReport, collectReport, metricsFailed } from "../drops/report.ts";
import { type CounterContinuity, createCounterContinuity, type KeptTotals } from "../counters/continuity.ts";
import { createCounterKeeper } from "../counters/counter-keeper.ts";
import type { CounterStore } from "../counters/persistence.ts";
import { createDropLog, type DropSink } from "../drops/drop-log.ts";
import { writeFamilies } from "../exposition/exposition-writer.ts";
import { createFailureNews } from "../drops/failure-log.ts";
import type { OwnedFamily } from "../ownership/owner-format.ts";
import { createFamilyOwnership, type SeenFamilies } from "../ownership/family-ownership.ts";
import type { IntakePort, IntakeReply, IntakeRequest, ShownDto } from "./protocol.ts";
import { isLegacyName, type MetricType } from "../validate/metric-names.ts";
import { type ModuleLimits, snapshotRules } from "../validate/module-limits.ts";
import { shownSeries } from "../exposition/read-series.ts";
import { readSnapshot } from "../validate/snapshot-reader.ts";
import { encodeWritten } from "../exposition/written-transfer.ts";

export interface IntakeOptions {
	/** What the host itself exports. */
	readonly hostFamilies: readonly { readonly name: string; readonly type: MetricType }[];
	/** Most names and most series that are kept for a module beside those it shows. */
	readonly maxSeries: number;
	/** How long a name is kept for a module that is collected without it, in milliseconds. */
	readonly leaseMs: number;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Where counters are kept while the host is down; without it they begin again at zero. */
	readonly counters?: CounterStore | undefined;
	/** Owners of names that a host before this one kept, and who is told when they change. */
	readonly owners?:
		| {
				readonly kept: readonly OwnedNames<OwnedFamily>[];
				readonly changed: (owned: () => Iterable<OwnedNames<OwnedFamily>>) => void;
		  }
		| undefined;
	/** Nothing follows. Never rejects. */
	readonly onStop?: () => Promise<void>;
}

/** Answers what comes through the port, until it is told to stop. */
export function serveIntake(port: IntakePort<IntakeReply, IntakeRequest>, options: IntakeOptions): void {
	const { now } = options;
	const slicer = createSlicer();
	const keeper = options.counters === undefined ? undefined : createCounterKeeper(options.counters, slicer);
	const modules = new Map<string, ModuleState>();
	/** By module: what another one had counted that went as it came. */
	const estates = new Map<string, readonly KeptTotals[]>();
	const finding = new Map<number, (samples: Uint8Array | undefined) => void>();
	let findings = 0;
	let publishing: Promise<unknown> = Promise.resolve();

	const hostNames: ReadonlySet<string> = new Set(options.hostFamilies.map(({ name }) => name));
	const ownership = createFamilyOwnership(options);
	ownership.restore(options.owners?.kept ?? [], now());
	let keptRevision = ownership.revision;
	let toldEpoch = ownership.epoch;

	port.on("message", (request) => {
		switch (request.type) {
			case "accept": {
				const state = stateOf(request.moduleId, request.limits);
				return inTurn(request, state, () => takeSnapshot(request, state));
			}
			case "fail": {
				const state = stateOf(request.moduleId);
				return inTurn(request, state, async () => {
					const at = now();
					state.log.begin(at);
					finish(request, state, at, { error: request.error });
				});
			}
			case "remove":
				return remove(request);
			case "retain":
				ownership.retain(request.moduleIds);
				void options.counters?.retain(request.moduleIds);
				return ownersChanged();
			case "found":
				finding.get(request.id)?.(request.samples);
				finding.delete(request.id);
				return undefined;
			case "stop":
				return void options.onStop?.();
		}
	});

	function remove({ moduleId, heirs }: Request<"remove">): void {
		const rivals = ownership.rivalsOf(moduleId);
		// Its names even when it has not been collected: a host before this one may have kept them for it.
		ownership.release(moduleId);
		const totals = heirs.length === 0 ? [] : [...(modules.get(moduleId)?.continuity.totals() ?? [])];
		for (const heir of heirs) if (totals.length > 0) estates.set(heir, totals);
		estates.delete(moduleId);
		if (modules.delete(moduleId)) keeper?.forget(moduleId);
		ownersChanged();
		port.postMessage({ type: "removed", moduleId, rivals }, []);
	}

	/** What a module that is gone had counted goes on with the one that has its families now. */
	function inherit(moduleId: string, owned: readonly CheckedFamily[], continuity: CounterContinuity): void {
		const estate = estates.get(moduleId);
		if (estate === undefined) return;
		estates.delete(moduleId);
		const types = new Map(owned.map(({ name, type }) => [name, type]));
		for (const kept of estate) if (types.get(kept.family) === kept.type) continuity.restore(kept);
	}

	/** `limits` are those that the policy gives the module now. */
	function stateOf(moduleId: string, limits?: ModuleLimits): ModuleState {
		let state = modules.get(moduleId);
		if (state === undefined) {
			const created: ModuleState = {
				limits,
				log: createDropLog(),
				failures: createFailureNews(),
				continuity: createCounterContinuity(() => created.limits?.maxSeries ?? options.maxSeries),
				turn: Promise.resolve(),
				generation: Number.NEGATIVE_INFINITY,
				report: undefined,
			};
			modules.set(moduleId, (state = created));
		}
		state.limits = limits ?? state.limits;
		return state;
	}

	/** Begins when what came before for the module has been answered. @param work answers, or rejects */
	function inTurn({ id }: Collection, state: ModuleState, work: () => Promise<void>): void {
		state.turn = state.turn.then(work).catch((error: unknown) => {
			port.postMessage({ type: "failed", id, message: messageOf(error) }, []);
		});
	}

	async function takeSnapshot(request: Request<"accept">, state: ModuleState): Promise<void> {
		const { moduleId, bytes, generation, limits, counters, failures } = request;
		const missing = new Set(failures?.names);
		const error = failures === undefined ? undefined : metricsFailed(failures);
		const at = now();
		const isCurrent = (): boolean => modules.get(moduleId) === state;
		// A late answer: a newer generation has answered already, or the module is gone.
		if (generation < state.generation || !isCurrent()) return answer(request, state, at);
		await keeper?.restore(moduleId, state.continuity);
		const sink = state.log.begin(at);
		const reading = await slicer.run(readSnapshot(bytes, snapshotRules(moduleId, limits, hostNames), sink));
		if (!reading.ok) return finish(request, state, at, { error: { code: reading.reason, message: reading.message } });
		// Answered before the next module's turn: it may have to `find` on main what is shown from now on.
		const published = publishing.then(() => publish(reading.families));
		publishing = published.catch(() => undefined);
		return published;

		async function publish(families: readonly CheckedFamily[]): Promise<void> {
			const seen = await seeSeries(moduleId, families);
			if (!isCurrent()) return finish(request, state, at);
			const owned = await slicer.run(claim(families, seen, sink));
			await keeper?.keep(moduleId, state.continuity, isCurrent);
			const written = await slicer.run(writeFamilies(owned));
			if (!isCurrent()) {
				// Removed while this ran: what was claimed for it must not outlive it.
				ownership.release(moduleId);
				return finish(request, state, at);
			}
			state.generation = generation;
			ownership.showing(moduleId);
			keepOwners();
			const [dto, buffers] = encodeWritten(written);
			const hasUtf8 = !owned.every(({ name }) => isLegacyName(name));
			const shown = { at, series: linesOf(owned), hasUtf8, written: dto };
			finish(request, state, at, { shown, buffers, ...(error !== undefined && { error }) });
		}

		function* claim(
			families: readonly CheckedFamily[],
			seen: SeenFamilies,
			into: DropSink,
		): Generator<undefined, readonly CheckedFamily[]> {
			const owned = yield* ownership.claim(moduleId, families, seen, at, into);
			inherit(moduleId, owned, state.continuity);
			yield* state.continuity.apply(owned, generation, into, { mode: counters, missing });
			return owned;
		}
	}

	async function seeSeries(moduleId: string, families: readonly CheckedFamily[]): Promise<SeenFamilies> {
		const seen = new Map<string, { readonly moduleId: string; readonly series: readonly string[] }>();
		for (const { type, ...unseen } of ownership.unseen(moduleId, families)) {
			const samples = await find(unseen.moduleId, unseen.family);
			const series = samples === undefined ? [] : await slicer.run(shownSeries(samples, type));
			seen.set(unseen.family, { moduleId: unseen.moduleId, series });
		}
		return seen;
	}

	function find(moduleId: string, family: string): Promise<Uint8Array | undefined> {
		const id = ++findings;
		return new Promise((resolve) => {
			finding.set(id, resolve);
			port.postMessage({ type: "find", id, moduleId, family }, []);
		});
	}

	/** A collection has ended: says what it lost, and how it went. */
	function finish(request: Collection, state: ModuleState, at: number, { error, ...shown }: Outcome = {}): void {
		const { log } = state;
		if (error !== undefined) log.fail(error.code, error.failures);
		const failure = state.failures.next(error);
		state.report = collectReport(log, 0, at, error);
		const news = failure === undefined ? log.news() : [...log.news(), failure];
		answer(request, state, at, { drops: log.counts(), news, ...shown });
	}

	function answer(
		{ id }: Collection,
		{ report, log }: ModuleState,
		at: number,
		{ buffers = [], drops = new Map(), news = [], shown }: Answer = {},
	): void {
		const sharing = newSharing();
		const last = report ?? collectReport(log, 0, at);
		port.postMessage({ type: "collected", id, report: last, drops, news, shown, sharing }, buffers);
	}

	function ownersChanged(): void {
		keepOwners();
		const sharing = newSharing();
		if (sharing !== undefined) port.postMessage({ type: "shared", sharing }, []);
	}

	function keepOwners(): void {
		if (ownership.revision === keptRevision) return;
		keptRevision = ownership.revision;
		options.owners?.changed(ownership.owned);
	}

	/** Undefined when main has been told. */
	function newSharing(): ReturnType<typeof ownership.sharing> | undefined {
		if (ownership.epoch === toldEpoch) return undefined;
		toldEpoch = ownership.epoch;
		return ownership.sharing();
	}
}

type Request<Type extends IntakeRequest["type"]> = Extract<IntakeRequest, { type: Type }>;

type Collection = Request<"accept" | "fail">;

/** How a collection ended: with an error, with what is shown from now on, with both, or with neither for a module that is gone. */
interface Outcome {
	readonly error?: CollectError;
	readonly shown?: ShownDto;
	/** What `shown` hands over. */
	readonly buffers?: ArrayBuffer[];
}

type Answer = Omit<Outcome, "error"> & Partial<Pick<Extract<IntakeReply, { type: "collected" }>, "drops" | "news">>;

interface ModuleState {
	limits: ModuleLimits | undefined;
	readonly log: ReturnType<typeof createDropLog>;
	readonly failures: ReturnType<typeof createFailureNews>;
	readonly continuity: CounterContinuity;
	/** Settles when what came before has been answered. */
	turn: Promise<unknown>;
	generation: number;
	report: CollectReport | undefined;
}
