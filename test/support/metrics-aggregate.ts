/** The real path of metrics, from what a client library gives in a worker to the page: only the thread is left out. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { DropReason } from "../../src/metrics/drops/drop-log.ts";
import { type NewsLine, newsLine } from "../../src/metrics/drops/log-lines.ts";
import type { HostFamily, LibrarySource } from "../../src/metrics/self/host-source.ts";
import type { CollectReport } from "../../src/metrics/drops/report.ts";
import type { AggregateOptions, MetricsAggregate, SnapshotMeta } from "../../src/metrics/aggregate.ts";
import type { IntakeReply, IntakeRequest } from "../../src/metrics/ingest/protocol.ts";
import { createMetricsAggregate } from "../../src/metrics/aggregate.ts";
import type { ModuleLimits } from "../../src/metrics/validate/module-limits.ts";
import { type IntakeOptions, serveIntake } from "../../src/metrics/ingest/ingest.ts";
import { type EncodedSnapshot, encodeSnapshot } from "../../workers/snapshot/encode-snapshot.ts";
import type { CounterMode } from "../../workers/wire/messages.ts";
import { createLinkedPorts } from "./linked-ports.ts";
import type { RawFamily } from "./raw-families.ts";
import type { ParsedFamily, Syntax } from "./strict-exposition.ts";
import { parseStrictly } from "./strict-exposition.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../../workers/snapshot/limits.ts";

export const OPENMETRICS = "application/openmetrics-text; version=1.0.0";
export const TEXT_UTF8 = "text/plain; version=1.0.0; escaping=allow-utf-8";
export const OPENMETRICS_UTF8 = `${OPENMETRICS}; escaping=allow-utf-8`;

export interface Collector {
	readonly aggregate: MetricsAggregate;
	/** Everything that `onDrop` was told, added up: `module reason` -> count. */
	readonly dropped: ReadonlyMap<string, number>;
	/** What the log was told. */
	readonly news: readonly NewsLine[];
	/** What the clock of the aggregate shows; a test moves it. */
	clock: { now: number };
	collect(moduleId: string, families: unknown, generation?: number, counters?: CounterMode): Promise<CollectReport>;
	/** The same for families that the worker has seen to mirror another system's totals. */
	mirror(
		moduleId: string,
		families: readonly RawFamily[],
		generation: number,
		counters?: CounterMode,
	): Promise<CollectReport>;
	/** @param moduleIds only of these, without the host */
	text(accept?: string, ...moduleIds: readonly string[]): Promise<string>;
	families(accept?: string): Promise<ReadonlyMap<string, ParsedFamily>>;
}

interface CollectorOptions
	extends Partial<Pick<AggregateOptions, "host" | "maxAgeMs" | "onNews" | "onDrop">>,
		Pick<IntakeOptions, "counters" | "owners"> {
	/** Shown by the clock of the aggregate; a test moves it. */
	readonly clock?: { now: number };
	/** Of every module that `limitsOf` gives none. */
	readonly limits?: ModuleLimits;
	readonly limitsOf?: (moduleId: string) => ModuleLimits | undefined;
}

export function createCollector(options: CollectorOptions = {}): Collector {
	const {
		limits = { maxSeries: 10_000, maxLabels: 30, maxLabelLength: 1024 },
		maxAgeMs = 300_000,
		host = [],
	} = options;
	const dropped = new Map<string, number>();
	const news: NewsLine[] = [];
	const clock = options.clock ?? { now: 1_700_000_000_000 };
	const now = (): number => clock.now;
	const [toIntake, toMain] = createLinkedPorts<IntakeRequest, IntakeReply>();
	serveIntake(toMain, {
		hostFamilies: host.flatMap(({ families }) => families),
		maxSeries: limits.maxSeries,
		leaseMs: maxAgeMs,
		now,
		counters: options.counters,
		owners: options.owners,
	});
	const aggregate = createMetricsAggregate({
		intake: toIntake,
		limitsOf: (moduleId) => options.limitsOf?.(moduleId) ?? limits,
		maxAgeMs,
		now,
		host,
		onDrop(moduleId, reason: DropReason, count) {
			const key = `${moduleId} ${reason}`;
			dropped.set(key, (dropped.get(key) ?? 0) + count);
		},
		onNews: (moduleId, line) => news.push(newsLine(moduleId, line)),
	});

	return {
		aggregate,
		dropped,
		news,
		clock,
		collect: (moduleId, families, generation = 1, counters) =>
			take(moduleId, encodeSnapshot([families], DEFAULT_SNAPSHOT_LIMITS), { generation, counters }),
		mirror: (moduleId, families, generation, counters) =>
			take(moduleId, encodeSnapshot([families], DEFAULT_SNAPSHOT_LIMITS, new Set(families)), { generation, counters }),
		text,
		async families(accept) {
			const syntax: Syntax = accept?.includes("openmetrics") ? "openmetrics" : "text";
			return parseStrictly(await text(accept), syntax);
		},
	};

	async function take(moduleId: string, encoded: EncodedSnapshot, meta: SnapshotMeta): Promise<CollectReport> {
		if (encoded.ok) return aggregate.accept(moduleId, encoded.bytes, meta);
		return aggregate.fail(moduleId, encoded.reason, encoded.message);
	}

	/** The page as a scraper gets it; the compressed one must be the same. */
	async function text(accept?: string, ...ids: readonly string[]): Promise<string> {
		const moduleIds = ids.length === 0 ? undefined : ids;
		const page = await aggregate.page({ accept, moduleIds });
		assert.ok(page !== undefined);
		const plain = Buffer.concat(page.body);
		assert.equal(page.headers["Content-Length"], String(plain.length));
		const gzipped = await aggregate.page({ accept, moduleIds, acceptEncoding: "gzip" });
		assert.ok(gzipped !== undefined);
		assert.deepEqual(gunzipSync(Buffer.concat(gzipped.body)), plain);
		return plain.toString();
	}
}

/** A source of the host with fixed families, as `getMetricsAsJSON()` would give them. */
export function hostSource(
	families: readonly (RawFamily & { readonly type: "counter" | "gauge" | "histogram" })[],
): LibrarySource {
	return {
		families: families.map(({ name, type }) => ({ name, type })),
		version: () => 1,
		read: async () => families as readonly HostFamily[],
	};
}
