import type { CounterMode, StartedDto } from "../../workers/wire/messages.ts";
import { RpcError } from "../../workers/wire/rpc-client.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";
import type { Host } from "../host/host.ts";
import { ModuleError } from "../host/runner/requests.ts";
import { createCollectSchedule } from "./collect-schedule.ts";
import type { CollectFailure, CollectReport } from "./drops/report.ts";
import type { MetricsAggregate } from "./aggregate.ts";

/** Collects every module that has metrics, on its schedule or when it is scraped, into the aggregate. */
export interface Collector {
	/** A generation of the module serves: collect it at once, and from now on as often as it asks for. */
	serving(moduleId: string, started: StartedDto): void;
	/**
	 * Collects the modules that ask for it on a scrape, and resolves when they are done or the time is up, whichever comes
	 * first; never rejects. Scrapes at the same time share a collection. One that takes longer goes on, up to the
	 * module's own deadline: a scraper in a hurry costs nobody a collection.
	 * @param waitMs undefined: until each module's own deadline
	 * @param moduleIds only of these
	 */
	collectForScrape(waitMs: number | undefined, moduleIds?: readonly string[]): Promise<void>;
	/** @param heirs modules that came as it went */
	removed(moduleId: string, heirs?: readonly string[]): void;
	/** Whether a collection of the module is waited for. */
	isCollecting(moduleId: string): boolean;
	/** No collection begins after this; resolves when those under way have ended. */
	stop(): Promise<void>;
}

export interface CollectorOptions {
	readonly host: Pick<Host, "collect" | "setCollectFailed">;
	readonly aggregate: MetricsAggregate;
	/** Defaults for modules that ask for nothing else, in milliseconds. */
	readonly intervalMs: number;
	readonly timeoutMs: number;
	readonly onCollected: (moduleId: string, report: CollectReport, durationMs: number) => void;
}

export function createCollector({ host, aggregate, onCollected, ...defaults }: CollectorOptions): Collector {
	/** The modules there are, and what each says of its counters. */
	const present = new Map<string, CounterMode | undefined>();
	const collecting = new Set<string>();
	const onScrape = new Set<string>();
	const schedule = createCollectSchedule({
		async collect(moduleId, deadlineMs) {
			const startedAt = performance.now();
			collecting.add(moduleId);
			const report = await collectOnce(moduleId, deadlineMs);
			collecting.delete(moduleId);
			if (report === undefined || !present.has(moduleId)) return;
			host.setCollectFailed(moduleId, !report.success);
			onCollected(moduleId, report, performance.now() - startedAt);
		},
	});

	/** Undefined when the module's file went meanwhile. */
	async function collectOnce(moduleId: string, deadlineMs: number): Promise<CollectReport | undefined> {
		try {
			const { generation, snapshot, failures } = await host.collect(moduleId, deadlineMs);
			if (!present.has(moduleId)) return undefined;
			const meta = { generation, counters: present.get(moduleId), failures };
			return await aggregate.accept(moduleId, snapshot ?? NOTHING, meta);
		} catch (error) {
			const failure = failureOf(error);
			const problem = error instanceof ModuleError ? error.problem : undefined;
			return present.has(moduleId) ? aggregate.fail(moduleId, failure, messageOf(error), problem) : undefined;
		}
	}

	/** One that begins now: what is under way may have been refused what is free by now. */
	async function recollect(moduleId: string): Promise<void> {
		await underWay(moduleId);
		await schedule.runNow(moduleId);
	}

	async function underWay(moduleId: string): Promise<void> {
		if (collecting.has(moduleId)) await schedule.runNow(moduleId);
	}

	return {
		serving(moduleId, started) {
			if (!started.collects) return;
			const { intervalMs = defaults.intervalMs, timeoutMs = defaults.timeoutMs } = started;
			const previous = underWay(moduleId); // asked the generation before this one
			present.set(moduleId, started.counters);
			if (started.onScrape === true) onScrape.add(moduleId);
			else onScrape.delete(moduleId);
			schedule.add(moduleId, started.onScrape === true ? undefined : intervalMs, timeoutMs);
			void previous.then(() => schedule.runNow(moduleId));
		},
		async collectForScrape(waitMs, moduleIds) {
			const wanted = moduleIds === undefined ? [...onScrape] : moduleIds.filter((id) => onScrape.has(id));
			if (wanted.length === 0) return;
			const collected = Promise.all(wanted.map((id) => schedule.runNow(id)));
			if (waitMs === undefined) await collected;
			else await settledWithin(collected, waitMs);
		},
		removed(moduleId, heirs = []) {
			present.delete(moduleId);
			onScrape.delete(moduleId);
			schedule.remove(moduleId);
			aggregate.remove(moduleId, { heirs, recollect: (ids) => Promise.all(ids.map(recollect)) });
		},
		isCollecting: (moduleId) => collecting.has(moduleId),
		stop: () => schedule.stop(),
	};
}

const NOTHING = new Uint8Array();

/** Waits for what never rejects, but not longer than that. */
async function settledWithin(settling: Promise<unknown>, waitMs: number): Promise<void> {
	const timer = Promise.withResolvers<void>();
	const timeout = setTimeout(timer.resolve, waitMs);
	await Promise.race([settling, timer.promise]);
	clearTimeout(timeout);
}

function failureOf(error: unknown): CollectFailure {
	if (!(error instanceof BulkheadError)) throw error;
	if (error.code === "COLLECT_TIMEOUT") return "collect_timeout";
	const remote = error.cause instanceof RpcError ? error.cause.remote?.code : undefined;
	return remote === "invalid_payload" || remote === "payload_too_large" ? remote : "collect_error";
}
