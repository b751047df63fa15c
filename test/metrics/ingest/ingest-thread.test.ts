/** The intake in its thread, as the host starts it. What it does with snapshots is tested without one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createMetricsAggregate } from "../../../src/metrics/aggregate.ts";
import { type Intake, startIntake } from "../../../src/metrics/ingest/start-ingest.ts";
import { encodeSnapshot } from "../../../workers/snapshot/encode-snapshot.ts";
import { counter, gauge, value } from "../../support/raw-families.ts";
import { parseStrictly, seriesOf } from "../../support/strict-exposition.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../../../workers/snapshot/limits.ts";

test("snapshots are taken in by the thread, and shared families come out as one block", async (t) => {
	const { collect, series } = start(t);
	await collect("m", [gauge("x", value(1, { of: "m" }), value(1, { of: "both" })), counter("own_total", value(1))]);
	await collect("n", [gauge("x", value(2, { of: "n" }), value(2, { of: "both" }))]);
	const shown = { 'x{of="m"}': 1, 'x{of="both"}': 1, 'x{of="n"}': 2, own_total: 1 };
	assert.deepEqual(Object.fromEntries(await series()), shown);
	await collect("m", [counter("own_total", value(2))], 2);
	assert.equal((await series()).get("own_total"), 3, "counters go on");
});

test("what is kept is on the disk when the thread has ended, and the next one begins with it", async (t) => {
	const stateDir = mkdtempSync(path.join(tmpdir(), "bulkhead-intake-"));
	t.after(() => rmSync(stateDir, { recursive: true, force: true }));
	const first = start(t, { stateDir, counterState: true });
	await first.collect("z", [counter("x_total", value(3))]);
	await first.intake.stop();
	assert.match(readFileSync(path.join(stateDir, "metric-owners.jsonl"), "utf8"), /"z",\["x_total","counter"\]/);
	const second = start(t, { stateDir, counterState: true });
	assert.deepEqual((await second.collect("a", [gauge("x_total", value(9))])).drops[0]?.reason, "type_conflict");
	await second.collect("z", [counter("x_total", value(1))]);
	assert.equal((await second.series()).get("x_total"), 4);
	await second.intake.stop();
	await second.intake.stop();
});

test("memory that a worker shares is copied, and a snapshot that is too long is refused unread", async (t) => {
	const { accept, series } = start(t);
	const encoded = encodeSnapshot([[gauge("x", value(7))]], DEFAULT_SNAPSHOT_LIMITS);
	assert.ok(encoded.ok);
	const shared = new Uint8Array(new SharedArrayBuffer(encoded.bytes.length));
	shared.set(encoded.bytes);
	const accepted = accept("m", shared);
	shared.fill(0);
	assert.equal((await accepted).success, true);
	assert.equal((await series()).get("x"), 7);
	const own = encoded.bytes;
	await accept("m", own);
	assert.equal(own.buffer.byteLength, 0, "handed over");
	const tooLong = new Uint8Array(new SharedArrayBuffer(DEFAULT_SNAPSHOT_LIMITS.maxBytes + 1));
	assert.equal((await accept("m", tooLong)).error?.code, "payload_too_large");
});

test("the end of the thread without being asked ends the host, with an error", (t) => {
	const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-intake-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const script = path.join(folder, "host.mts");
	writeFileSync(
		script,
		`import { startIntake } from ${JSON.stringify(path.join(import.meta.dirname, "../../../src/metrics/ingest/start-ingest.ts"))};
		startIntake({ hostFamilies: null, maxSeries: 1, leaseMs: 1, counterState: false });
		setInterval(() => {}, 1000);`,
	);
	const args = ["--import", import.meta.resolve("tsx"), script];
	const { status, stderr } = spawnSync(process.execPath, args, { timeout: 20_000 });
	assert.notEqual(status, 0);
	assert.notEqual(status, null, "it is over by itself");
	assert.match(stderr.toString(), /null|the thread that takes snapshots in has ended/);
});

function start(
	t: TestContext,
	kept: Pick<Parameters<typeof startIntake>[0], "stateDir"> & { counterState?: boolean } = {},
) {
	const limits = { maxSeries: 1000, maxLabels: 30, maxLabelLength: 1024 };
	const intake: Intake = startIntake({
		hostFamilies: [],
		maxSeries: limits.maxSeries,
		leaseMs: 300_000,
		counterState: false,
		...kept,
	});
	t.after(() => intake.stop());
	const aggregate = createMetricsAggregate({
		intake,
		limitsOf: () => limits,
		maxAgeMs: 300_000,
		now: Date.now,
		host: [],
		onDrop() {},
		onProblem: assert.fail,
	});
	const accept = (moduleId: string, bytes: Uint8Array, generation = 1) =>
		aggregate.accept(moduleId, bytes, { generation });
	return {
		intake,
		accept,
		async collect(moduleId: string, families: readonly unknown[], generation = 1) {
			const encoded = encodeSnapshot([families], DEFAULT_SNAPSHOT_LIMITS);
			assert.ok(encoded.ok);
			return accept(moduleId, encoded.bytes, generation);
		},
		async series() {
			const page = await aggregate.page({});
			return seriesOf(parseStrictly(Buffer.concat(page?.body ?? []).toString(), "text"));
		},
	};
}
