/** A host without the server around it: modules found, compiled, sandboxed and kept running, with nobody told of anything. */
import assert from "node:assert/strict";
import path from "node:path";
import type { TestContext } from "node:test";
import { createHost, type Host } from "../../src/host/host.ts";
import { DEFAULT_POLICY } from "../../src/host/policy/module-policy.ts";
import { createWorkerFactory } from "../../src/host/worker/worker-factory.ts";
import { createTestCompiler, type ModuleProject } from "./module-project.ts";
import { collectingLogger } from "./test-server.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../../workers/snapshot/limits.ts";

/** Starts the metric modules of a project; stopped when the test ends. */
export async function startModuleHost(t: TestContext, project: ModuleProject): Promise<Host> {
	const entry = path.join(import.meta.dirname, "../../workers/metric-worker.ts");
	const host = createHost({
		folders: project.folders,
		workers: createWorkerFactory({
			entries: { metrics: entry, mcps: entry },
			libraries: new Map(),
			sandbox: "standard",
			stateDir: project.stateDir,
			env: {},
			protectedPaths: [],
			hostPorts: () => [],
			onProblem: (what) => assert.fail(what),
		}),
		compiler: createTestCompiler(t, project),
		policy: DEFAULT_POLICY,
		settings: {
			startTimeoutMs: TIMEOUT_MS,
			callTimeoutMs: TIMEOUT_MS,
			hangTimeoutMs: TIMEOUT_MS,
			memoryBytes: 256 << 20,
			maxResultBytes: 1 << 20,
			maxSnapshotBytes: DEFAULT_SNAPSHOT_LIMITS.maxBytes,
			maxSamples: DEFAULT_SNAPSHOT_LIMITS.maxSamples,
		},
		serverInfo: { name: "test", version: "0" },
		displayRoot: project.dir,
		log: collectingLogger([]),
	});
	t.after(() => host.stop(1000));
	await host.start({ onDiscovered: () => undefined, onEvent: () => undefined });
	return host;
}

const TIMEOUT_MS = 30_000;
