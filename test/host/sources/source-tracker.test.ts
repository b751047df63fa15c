import assert from "node:assert/strict";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { CompileResult } from "../../../src/host/compile/compiler.ts";
import { readStamp, SETTLE_MS, toStamp } from "../../../src/core/file-fingerprint.ts";
import { createStampReader } from "../../../src/host/sources/fingerprint-reader.ts";
import { createTrackedModule, type ModuleEvent } from "../../../src/host/sources/source-tracker.ts";
import { createModuleProject, createTestCompiler, createTestLog } from "../../support/module-project.ts";
import { until } from "../../support/until.ts";

test("a stamp tells any change, and proves nothing while another could fall into the same tick", async (t) => {
	const file = createModuleProject(t).write("file", "1");
	const stats = statSync(file, { bigint: true });
	const changedAtMs = Number(stats.ctimeNs / 1_000_000n);
	assert.equal(toStamp(stats, changedAtMs + SETTLE_MS - 1).settled, false);
	assert.equal(toStamp(stats, changedAtMs + SETTLE_MS).settled, true);
	const before = await readStamp(file);
	await until(async () => {
		writeFileSync(file, "2"); // of the same size
		return (await readStamp(file))?.key !== before?.key;
	}, "another tick of the file system's clock");
	assert.equal(await readStamp(`${file}-gone`), undefined);
});

test("a file that was compiled when it was too fresh to be sure of is compiled once more", async (t) => {
	const { module, visit, file, compilations, scansAsked } = track(t);
	await visit(); // esbuild has started
	await until(async () => {
		replaceFile(file, `export const value = ${performance.now()};`);
		scansAsked.length = 0;
		await visit();
		return scansAsked.length > 0;
	}, "it is compiled at once");
	assert.deepEqual(scansAsked, [2 * SETTLE_MS]);
	await until(() => Date.now() - statSync(file).ctimeMs > 2 * SETTLE_MS, "the scan that it asked for");
	const before = compilations.length;
	await visit();
	assert.equal(compilations.length, before + 1);
	await visit();
	await module.settled();
	assert.equal(compilations.length, before + 1, "now it is sure");
});

test("a change that a scan sees while it is being compiled is compiled next", async (t) => {
	const gate = Promise.withResolvers<void>();
	const { module, visit, file, compilations, events } = track(t, () => gate.promise);
	writeFileSync(file, "export const value = 1;");
	const first = visit();
	await until(() => compilations.length === 1, "it has been compiled, and not been reported");
	replaceFile(file, "export const value = 'two';");
	await visit("not waiting for it");
	gate.resolve();
	await first;
	await module.settled();
	assert.equal(compilations.length, 2);
	assert.deepEqual(
		events.map(({ type }) => type),
		["compiled", "compiled"],
	);
});

test("a module that is missing for a moment is not gone", async (t) => {
	const { module, visit, clock, scansAsked } = track(t);
	await visit();
	scansAsked.length = 0;
	assert.equal(module.miss(), undefined);
	assert.deepEqual(scansAsked, [150], "it asks to be looked for again");
	clock.now += 149;
	assert.equal(module.miss(), undefined);
	await visit();
	clock.now += 100;
	assert.equal(module.miss(), undefined, "it was there meanwhile");
	clock.now += 150;
	assert.equal(module.miss(), clock.now - 150);
});

test("a change in place is compiled when it has been quiet for a moment", async (t) => {
	const { visit, file, clock, compilations, scansAsked } = track(t);
	await visit();
	scansAsked.length = 0;
	writeFileSync(file, "export const value = 'one';");
	await visit();
	assert.deepEqual([compilations.length, scansAsked], [1, [300]]);
	clock.now += 300;
	await visit();
	assert.equal(compilations.length, 2);
});

/** As an atomic save does it. */
function replaceFile(file: string, text: string): void {
	writeFileSync(`${file}~`, text);
	renameSync(`${file}~`, file);
}

/** A module that is scanned by hand. */
function track(t: TestContext, beforeReport: () => Promise<void> = async () => undefined) {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "export const value = 0;");
	const compiler = createTestCompiler(t, project);
	const compilations: CompileResult[] = [];
	const events: ModuleEvent[] = [];
	const scansAsked: number[] = [];
	const clock = { now: 1000 };
	const module = createTrackedModule({
		id: "metrics/disk",
		compiler: {
			...compiler,
			async compile(source) {
				const result = await compiler.compile(source);
				compilations.push(result);
				await beforeReport();
				return result;
			},
		},
		log: createTestLog(),
		emit: (event) => void events.push(event),
		scanIn: (delayMs) => void scansAsked.push(delayMs),
		now: () => clock.now,
	});
	const source = {
		id: "metrics/disk",
		kind: "metrics",
		name: "disk",
		root: project.folders.metrics,
		entry: file,
		file: "metrics/disk.ts",
	} as const;
	return {
		module,
		file,
		clock,
		compilations,
		events,
		scansAsked,
		async visit(how?: "not waiting for it") {
			await module.visit(source, createStampReader());
			if (how === undefined) await module.settled();
		},
	};
}
