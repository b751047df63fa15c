import assert from "node:assert/strict";
import {
	appendFileSync,
	chmodSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import {
	CRASH_RECORD_FILE,
	type CrashRecordOptions,
	openCrashRecord as open,
} from "../../../src/host/worker/crash-journal.ts";
import { findSuspects, type LiveGeneration } from "../../../src/host/worker/crash-suspects.ts";

const ABORTED = { signal: "SIGABRT", stack: "" };
const openCrashRecord = (folder: string, options: CrashRecordOptions = {}) =>
	open(folder, { end: ABORTED, ...options });

function stateDir(t: TestContext): string {
	const folder = mkdtempSync(path.join(tmpdir(), "crash-record-"));
	t.after(() => rmSync(folder, { recursive: true }));
	return folder;
}

const ids = (suspects: readonly { readonly moduleId: string }[]): readonly string[] =>
	suspects.map(({ moduleId }) => moduleId);

function live(moduleId: string, phase: LiveGeneration["phase"], since: number, more: Partial<LiveGeneration> = {}) {
	return { moduleId, generation: 1, isolation: "thread", phase, since, ...more } as const;
}

test("who was starting is suspected before who was running", () => {
	const all = [live("old", "running", 1), live("culprit", "starting", 2), live("new", "running", 3)];
	assert.deepEqual(ids(findSuspects(all, 1)), ["culprit"]);
});

test("nobody who runs in a process is suspected", () => {
	assert.deepEqual(findSuspects([live("walled", "starting", 2, { isolation: "process" })], 8), []);
});

test("when nobody was starting, the newest is suspected, and twice as many after each further death", () => {
	const all = Array.from({ length: 10 }, (_, i) => live(`m${i}`, "running", i));
	assert.deepEqual(ids(findSuspects(all, 1)), ["m9"]);
	assert.deepEqual(ids(findSuspects(all, 2)), ["m9", "m8"]);
	assert.deepEqual(ids(findSuspects(all, 3)), ["m9", "m8", "m7", "m6"]);
	assert.equal(findSuspects(all, 5).length, 10);
});

test("of many that start at once four are suspected, and a module once for all its generations", () => {
	const all = Array.from({ length: 10 }, (_, i) => live(`m${i}`, "starting", i));
	assert.deepEqual(ids(findSuspects(all, 1)), ["m9", "m8", "m7", "m6"]);
	const twice = [live("m", "running", 1), live("m", "starting", 2, { generation: 2 }), live("n", "running", 0)];
	assert.deepEqual(ids(findSuspects(twice, 2)), ["m", "n"]);
});

test("a host that died names the module that was starting; one that was closed names nobody", (t) => {
	const folder = stateDir(t);
	const first = openCrashRecord(folder, { now: () => 1000 });
	assert.deepEqual(first.suspects(), []);
	first.starting("metrics/good", 1, "thread");
	first.running("metrics/good", 1, "thread");
	first.starting("mcps/culprit", 1, "thread");
	// It dies here: nothing is closed.
	const second = openCrashRecord(folder, { now: () => 2000 });
	assert.deepEqual(second.suspects(), [
		{ moduleId: "mcps/culprit", phase: "starting", at: 2000, count: 1, isNamed: false },
	]);
	second.starting("mcps/culprit", 1, "process");
	second.running("mcps/culprit", 1, "process");
	second.starting("metrics/good", 1, "thread");
	second.close();
	second.starting("metrics/late", 2, "thread");
	assert.deepEqual(ids(openCrashRecord(folder, { now: () => 3000 }).suspects()), []);
});

test("what ended before the death is not suspected", (t) => {
	const folder = stateDir(t);
	const record = openCrashRecord(folder);
	record.starting("mcps/gone", 1, "thread");
	record.starting("mcps/stays", 1, "thread");
	record.stopped("mcps/gone", 1);
	assert.deepEqual(ids(openCrashRecord(folder).suspects()), ["mcps/stays"]);
});

test("a suspicion is counted, can be cleared, and is forgotten after a week", (t) => {
	const folder = stateDir(t);
	const week = 7 * 24 * 60 * 60 * 1000;
	openCrashRecord(folder, { now: () => 1000 }).starting("mcps/a", 1, "thread");
	openCrashRecord(folder, { now: () => 2000 }).starting("mcps/a", 1, "thread");
	const third = openCrashRecord(folder, { now: () => 3000 });
	assert.deepEqual(third.suspects(), [{ moduleId: "mcps/a", phase: "starting", at: 3000, count: 2, isNamed: false }]);
	third.close();
	assert.equal(openCrashRecord(folder, { now: () => 3000 + week }).suspects().length, 0);

	openCrashRecord(folder, { now: () => 4000 + week }).starting("mcps/b", 1, "thread");
	const later = openCrashRecord(folder, { now: () => 5000 + week });
	later.cleared("mcps/b");
	assert.deepEqual(later.suspects(), []);
	assert.deepEqual(openCrashRecord(folder, { now: () => 6000 + week }).suspects(), []);
});

test("a file that is damaged costs its damaged lines", (t) => {
	const folder = stateDir(t);
	const file = path.join(folder, CRASH_RECORD_FILE);
	openCrashRecord(folder).starting("mcps/culprit", 1, "thread");
	const good = readFileSync(file, "utf8");
	writeFileSync(file, `\0\xff{"event":"running"}\n[]\nnull\n{"event":"starting","moduleId":7}\n${good}`);
	appendFileSync(file, '{"event":"starting","moduleId":"mcps/cut');
	const record = openCrashRecord(folder);
	assert.deepEqual(ids(record.suspects()), ["mcps/culprit"]);
	record.close();
	writeFileSync(file, Buffer.alloc(100_000, 0xfe));
	assert.deepEqual(openCrashRecord(folder).suspects(), []);
});

test("the file stays small, and what lives is still in it", (t) => {
	const folder = stateDir(t);
	const record = openCrashRecord(folder);
	record.starting("mcps/stays", 1, "thread");
	for (let generation = 1; generation <= 5000; generation += 1) {
		record.starting("metrics/restarts", generation, "thread");
		record.stopped("metrics/restarts", generation);
	}
	assert.ok(statSync(path.join(folder, CRASH_RECORD_FILE)).size <= 64 * 1024);
	assert.deepEqual(readdirSync(folder), [CRASH_RECORD_FILE]);
	assert.deepEqual(ids(openCrashRecord(folder).suspects()), ["mcps/stays"]);
});

test("a place that cannot be written is said once, and stops nothing", (t) => {
	const folder = stateDir(t);
	const inTheWay = path.join(folder, "file");
	writeFileSync(inTheWay, "");
	chmodSync(inTheWay, 0o400);
	const problems: string[] = [];
	const record = openCrashRecord(path.join(inTheWay, "state"), { onProblem: (problem) => void problems.push(problem) });
	record.starting("mcps/a", 1, "thread");
	record.close();
	assert.equal(problems.length, 1);
	assert.match(problems[0] ?? "", /cannot be written/);
});

test("a host that died names the modules that were being compiled, until they have been", (t) => {
	const folder = stateDir(t);
	const first = openCrashRecord(folder, { now: () => 1000 });
	assert.deepEqual(first.compiledAtDeath(), []);
	first.compiling("metrics/good")();
	const done = first.compiling("metrics/bomb");
	const second = openCrashRecord(folder, { now: () => 2000 });
	assert.deepEqual(second.compiledAtDeath(), ["metrics/bomb"]);
	assert.deepEqual(second.suspects(), [], "it has not run, so a wall around its worker is no use");
	done();
	second.compiling("metrics/bomb");
	second.close();
	assert.deepEqual(openCrashRecord(folder).compiledAtDeath(), [], "it was closed in order");
});

test("a kill from outside, and an end that nobody saw, accuse nobody", (t) => {
	const folder = stateDir(t);
	for (const end of [{ signal: "SIGKILL", stack: "" }, { signal: "SIGTERM", stack: "" }, undefined]) {
		openCrashRecord(folder).starting("mcps/idle", 1, "thread");
		const next = openCrashRecord(folder, { end });
		assert.deepEqual(next.suspects(), []);
		next.close();
	}
});

test("whose code ran when the process aborted is named, whoever was starting then", (t) => {
	const folder = stateDir(t);
	const first = openCrashRecord(folder);
	first.starting("metrics/aa", 1, "thread");
	first.running("metrics/aa", 1, "thread");
	first.starting("mcps/innocent", 1, "thread");
	const stack = `1: write (node:zlib:5:1)\n2: boom (file://${folder}/modules/metrics-aa/12ab.mjs:1:85)\n3: other (file://${folder}/modules/mcps-innocent/1.mjs:1:1)`;
	const second = openCrashRecord(folder, { end: { signal: "SIGABRT", stack } });
	assert.deepEqual(
		second.suspects().map(({ moduleId, isNamed, count }) => [moduleId, isNamed, count]),
		[["metrics/aa", true, 1]],
	);
	second.close(); // in order: evidence stays, suspicions do not
	assert.deepEqual(ids(openCrashRecord(folder).suspects()), ["metrics/aa"]);
});

test("a suspicion ends with a stop in order", (t) => {
	const folder = stateDir(t);
	openCrashRecord(folder).starting("mcps/a", 1, "thread");
	const second = openCrashRecord(folder);
	assert.deepEqual(ids(second.suspects()), ["mcps/a"]);
	second.close();
	assert.deepEqual(openCrashRecord(folder).suspects(), []);
});
