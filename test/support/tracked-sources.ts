import assert from "node:assert/strict";
import { statSync } from "node:fs";
import type { TestContext } from "node:test";
import { SETTLE_MS } from "../../src/core/file-fingerprint.ts";
import {
	createModuleSources,
	type ModuleSources,
	type ModuleSourcesOptions,
	type SourceEvent,
} from "../../src/host/sources/module-sources.ts";
import { createTestCompiler, createTestLog, type ModuleProject, type TestLog } from "./module-project.ts";
import { until } from "./until.ts";

/** Module sources, and what they said. */
export interface TrackedSources {
	readonly sources: ModuleSources;
	readonly events: readonly SourceEvent[];
	readonly log: TestLog;
	start(): Promise<void>;
	/** Waits until just these events have come since it was asked last, in whatever order; as {@link describe} says them. */
	says(...expected: string[]): Promise<void>;
}

/** Events have to do: no test waits for this long. */
const NO_POLL_MS = 3_600_000;

/** Stopped when the test ends. */
export function trackSources(
	t: TestContext,
	project: ModuleProject,
	options: Partial<ModuleSourcesOptions> = {},
): TrackedSources {
	const events: SourceEvent[] = [];
	const log = createTestLog();
	const sources = createModuleSources({
		folders: project.folders,
		compiler: options.compiler ?? createTestCompiler(t, project),
		log,
		pollMs: NO_POLL_MS,
		onEvent: (event) => void events.push(event),
		...options,
	});
	t.after(() => sources.stop());
	let told = 0;
	return {
		sources,
		events,
		log,
		start: () => sources.start(),
		async says(...expected) {
			await until(
				() => events.length - told >= expected.length,
				`${expected.join(", ")}; it said ${events.slice(told).map(describe).join(", ")}`,
			);
			assert.deepEqual(events.slice(told).map(describe).toSorted(), expected);
			told = events.length;
		},
	};
}

/** What is too fresh is compiled a second time to be sure, which would hide that nothing else made it happen. */
export async function untilOld(file: string): Promise<void> {
	await until(() => Date.now() - statSync(file).ctimeMs > 2 * SETTLE_MS, "the file is old enough to be sure of");
}

export function describe(event: SourceEvent): string {
	if ("source" in event) return `${event.type} ${event.source.id}`;
	return `${event.type} ${event.type === "removed" ? event.id : event.file}`;
}
