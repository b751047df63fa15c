import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { createGeneration, type Generation, type GenerationOptions } from "../../src/host/runner/generation.ts";
import type { ModuleWorker } from "../../src/host/worker/worker.ts";

/** What the modules of test/fixtures/process import. */
export const CLIENT = createRequire(import.meta.url).resolve("prom-client");
const LIMITS = { maxResultBytes: 1 << 20, maxSnapshotBytes: 1 << 20, maxSamples: 1000 };

const FIXTURES = path.join(import.meta.dirname, "../fixtures/process");

/** A module of test/fixtures/process in a worker of either kind, without the sandbox. What breaks the protocol fails the test. */
export function serveFixture(
	worker: ModuleWorker,
	fixture: string,
	{
		onEvent,
		onOverrun,
		onViolation = (what) => assert.fail(what),
	}: Pick<GenerationOptions, "onEvent" | "onOverrun"> & Partial<Pick<GenerationOptions, "onViolation">>,
): Generation {
	return createGeneration({
		number: 1,
		hash: "",
		worker,
		start: {
			moduleId: `metrics/${fixture}`,
			bundlePath: path.join(FIXTURES, `${fixture}.js`),
			clientPaths: [CLIENT],
			trustedPaths: [],
			redirects: {},
			sandbox: { level: "off", net: true, childProcess: true },
			serverInfo: { name: "test", version: "0" },
			limits: LIMITS,
		},
		graceMs: 1000,
		onEvent,
		onViolation,
		onOverrun,
	});
}
