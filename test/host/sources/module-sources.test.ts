import assert from "node:assert/strict";
import { existsSync, renameSync, rmSync } from "node:fs";
import { test } from "node:test";
import type { SourceEvent } from "../../../src/host/sources/module-sources.ts";
import { createModuleProject } from "../../support/module-project.ts";
import { describe, trackSources, untilOld } from "../../support/tracked-sources.ts";
import { until } from "../../support/until.ts";

test("everything that is there has been compiled, or has failed to, when it has started", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", "export const value = 1;");
	project.write("mcps/adder/index.cjs", "module.exports = () => undefined;");
	project.write("metrics/broken.ts", "export const = 1;");
	project.write("metrics/bad name.ts", "");
	project.write("state/modules/metrics-gone/0123.mjs", "");
	const { start, events, sources } = trackSources(t, project);
	await start();
	assert.deepEqual(events.map(describe).toSorted(), [
		"compiled mcps/adder",
		"compiled metrics/disk",
		"failed metrics/broken",
		"refused metrics/bad name.ts",
	]);
	const failed = events.find((event) => event.type === "failed");
	assert.deepEqual(
		failed?.problems.map(({ file, line, column, message }) => [file, line, column, message]),
		[["metrics/broken.ts", 1, 14, 'Expected identifier but found "="']],
	);
	assert.deepEqual(failed?.source, {
		id: "metrics/broken",
		kind: "metrics",
		name: "broken",
		root: project.folders.metrics,
		entry: project.path("metrics/broken.ts"),
		file: "metrics/broken.ts",
	});
	assert.equal(sources.refused().length, 1);
	assert.ok(!existsSync(project.path("state/modules/metrics-gone")), "what an earlier process left is deleted");
});

test("the shipped number of modules is ready in a moment", async (t) => {
	const project = createModuleProject(t);
	for (let index = 0; index < 8; index++) {
		project.write(
			`metrics/disk-${index}.ts`,
			`import { register } from "prom-client";\nexport { register };\nexport const value = ${index};`,
		);
	}
	const { start, events } = trackSources(t, project);
	const startedAt = performance.now();
	await start();
	assert.equal(events.length, 8);
	// About 60 ms when nothing else runs; the suite shares the machine with others.
	assert.ok(performance.now() - startedAt < 15_000);
});

test("a failure is said once, and so is its repair", async (t) => {
	const project = createModuleProject(t);
	const good = "export const value = 1;";
	project.write("metrics/disk.ts", good);
	project.write("metrics/sign.ts", "export const value = 0;");
	const { start, says, events } = trackSources(t, project);
	await start();
	await says("compiled metrics/disk", "compiled metrics/sign");
	project.write("metrics/disk.ts", "export const = 1;");
	await says("failed metrics/disk");
	for (const sign of [1, 2]) {
		project.write("metrics/sign.ts", `export const value = ${sign};`); // each scan tries again what has failed
		await says("compiled metrics/sign");
	}
	project.write("metrics/disk.ts", "\nexport const = 1;");
	await says("failed metrics/disk");
	project.write("metrics/disk.ts", good);
	await says("repaired metrics/disk");
	project.write("metrics/disk.ts", "export const = 1;");
	await says("failed metrics/disk");
	project.write("metrics/disk.ts", "export const value = 2;");
	await says("compiled metrics/disk");
	const hashes = events.flatMap((event) =>
		"compiled" in event && event.source.name === "disk" ? [event.compiled.hash] : [],
	);
	assert.equal(hashes[1], hashes[0]);
	assert.notEqual(hashes[2], hashes[0]);
});

test("a module that goes is removed, one that is renamed is another, one that comes back is new", async (t) => {
	const project = createModuleProject(t);
	const disk = project.write("metrics/disk.ts", "export const value = 1;");
	project.write("metrics/broken.ts", "export const = 1;");
	const { start, says } = trackSources(t, project);
	await start();
	await says("compiled metrics/disk", "failed metrics/broken");
	renameSync(disk, project.path("metrics/storage.ts"));
	await says("compiled metrics/storage", "removed metrics/disk");
	renameSync(project.path("metrics/storage.ts"), disk);
	await says("compiled metrics/disk", "removed metrics/storage");
	rmSync(project.path("metrics/broken.ts"));
	await says("removed metrics/broken");
	await until(() => !existsSync(project.path("state/modules/metrics-storage")), "its compiled versions are deleted");
});

test("a module that gets another entry stays the same module", async (t) => {
	const project = createModuleProject(t);
	const first = project.write("metrics/disk.js", "export const value = 0;");
	const { start, says, sources } = trackSources(t, project);
	await untilOld(first);
	await start();
	await says("compiled metrics/disk");
	project.write("metrics/disk.ts", "export const value = 1;");
	await says("compiled metrics/disk", "refused metrics/disk.js");
	rmSync(project.path("metrics/disk.js"));
	project.write("metrics/disk/index.ts", "export const value = 2;");
	await says("refused metrics/disk/index.ts");
	rmSync(project.path("metrics/disk.ts"));
	await says("compiled metrics/disk");
	assert.deepEqual(sources.refused(), []);
	project.write("metrics/disk/index.ts", "export const value = 3;");
	await says("compiled metrics/disk");
});

test("the compiled versions come back when the state folder is deleted", async (t) => {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "export const value = 1;");
	const { start, events } = trackSources(t, project, { pollMs: 20 });
	await untilOld(file);
	await start();
	const [event] = events;
	assert.ok(event?.type === "compiled");
	rmSync(project.stateDir, { recursive: true });
	await until(() => existsSync(event.compiled.bundlePath), "the bundle is there again");
});

test("a listener that throws is logged, and disturbs nothing", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/a.ts", "export const value = 1;");
	project.write("metrics/b.ts", "export const value = 1;");
	let heard = 0;
	const { start, log } = trackSources(t, project, {
		onEvent() {
			heard += 1;
			throw new Error("not my day");
		},
	});
	await start();
	assert.equal(heard, 2);
	assert.deepEqual(
		new Set(log.lines.filter((line) => line.startsWith("error"))),
		new Set(['error: a listener failed at the event "compiled": not my day']),
	);
});

test("warnings of a new version are logged once", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/odd.ts", "export const odd = (value: unknown) => typeof value === 'nubmer';");
	const { start, says, log } = trackSources(t, project);
	await start();
	project.write("metrics/odd.ts", "// again\nexport const odd = (value: unknown) => typeof value === 'nubmer';");
	project.write("metrics/sign.ts", "export const value = 1;");
	await says("compiled metrics/odd", "compiled metrics/sign");
	assert.deepEqual(
		log.lines.filter((line) => line.includes("odd.ts")),
		['warn: metrics/odd.ts:1:57 The "typeof" operator will never evaluate to "nubmer"'],
	);
});

test("stopping is idempotent, safe in any order, and no event comes after it", async (t) => {
	const project = createModuleProject(t);
	for (let index = 0; index < 10; index++) project.write(`metrics/disk-${index}.ts`, `export const value = ${index};`);
	const heard: SourceEvent[] = [];
	const early = trackSources(t, project, {
		onEvent(event) {
			heard.push(event);
			void early.sources.stop(); // while the others are being compiled
		},
	});
	await early.start();
	await Promise.all([early.sources.stop(), early.sources.stop()]);
	assert.equal(heard.length, 1);
	await assert.rejects(early.start(), { code: "ILLEGAL_TRANSITION" });

	const unstarted = trackSources(t, project);
	await unstarted.sources.stop();
	await assert.rejects(unstarted.start(), { code: "ILLEGAL_TRANSITION" });

	const stopped = trackSources(t, project);
	await Promise.all([stopped.start(), stopped.start()]);
	assert.equal(stopped.events.length, 10);
	project.write("metrics/disk-0.ts", "export const value = 10;");
	await stopped.sources.stop();
	const watching = trackSources(t, project);
	await watching.start();
	project.write("metrics/disk-1.ts", "export const value = 11;");
	await until(() => watching.events.length === 11, "the change is noticed by who still watches");
	assert.equal(stopped.events.length, 10);
});
