import assert from "node:assert/strict";
import {
	appendFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { type TestContext, test } from "node:test";
import { createModuleSources, type ModuleSourcesOptions, type SourceEvent } from "../../src/host/module-sources.ts";
import {
	createModuleProject,
	createTestCompiler,
	createTestLog,
	type ModuleProject,
} from "../support/module-project.ts";
import { until } from "../support/until.ts";

/** Events have to do: no test waits for this long. */
const NO_POLL_MS = 3_600_000;

test("everything that is there has been compiled, or has failed to, when it has started", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", "export const value = 1;");
	project.write("mcps/adder/index.cjs", "module.exports = () => undefined;");
	project.write("metrics/broken.ts", "export const = 1;");
	project.write("metrics/bad name.ts", "");
	project.write("state/modules/metrics-gone/0123.mjs", "");
	const { start, events, sources } = track(t, project);
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
	const { start, events } = track(t, project);
	const startedAt = performance.now();
	await start();
	assert.equal(events.length, 8);
	// About 60 ms when nothing else runs; the suite shares the machine with others.
	assert.ok(performance.now() - startedAt < 3_000);
});

test("a changed file makes a new version of just the modules that were compiled from it", async (t) => {
	const project = createModuleProject(t);
	for (const name of ["a", "b"]) {
		project.write(
			`metrics/${name}.ts`,
			`import { shared } from "./_lib/shared.ts";\nexport const value = ["${name}", shared];`,
		);
	}
	project.write(
		"metrics/_lib/shared.ts",
		'import { deep } from "./deep/deep.ts";\nexport const shared = ["shared 1", deep];',
	);
	project.write("metrics/_lib/deep/deep.ts", "export const deep = 1;");
	project.write("metrics/alone.ts", "export const value = 1;");
	const { start, says } = track(t, project);
	await start();
	await says("compiled metrics/a", "compiled metrics/alone", "compiled metrics/b");
	project.write("metrics/_lib/deep/deep.ts", "export const deep = 2;");
	await says("compiled metrics/a", "compiled metrics/b");
	project.write("metrics/_lib/shared.ts", "export const shared = 3;");
	await says("compiled metrics/a", "compiled metrics/b");
	project.write("metrics/_lib/deep/deep.ts", "export const deep = 4;"); // which nobody imports any more
	project.write("metrics/alone.ts", "export const value = 2;");
	await says("compiled metrics/alone");
});

test("a save that changes no code is no event", async (t) => {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "export const value = 1;");
	project.write("metrics/sign.ts", "export const value = 1;");
	const { start, says } = track(t, project);
	await start();
	await says("compiled metrics/disk", "compiled metrics/sign");
	const saves = [
		() => utimesSync(file, 1, 1),
		() => writeFileSync(file, readFileSync(file)),
		() => replace(file, readFileSync(file, "utf8")),
		() => writeFileSync(file, "// and a comment\nexport const value = 1;"),
	];
	for (const [index, save] of saves.entries()) {
		save();
		// What comes of a change after it is the sign that it has been dealt with.
		for (const again of [1, 2]) {
			project.write("metrics/sign.ts", `export const value = "${index} ${again}";`);
			await says("compiled metrics/sign");
		}
	}
});

test("every way in which editors and tools save is one new version", async (t) => {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "export const value = 0;");
	const { start, says, events } = track(t, project);
	await start();
	await says("compiled metrics/disk");
	const saves: Readonly<Record<string, (text: string) => void>> = {
		"in place": (text) => writeFileSync(file, text),
		"by rename": (text) => replace(file, text),
		"with a backup": (text) => {
			renameSync(file, `${file}~`);
			writeFileSync(file, text);
			rmSync(`${file}~`);
		},
		"after deleting it": (text) => {
			rmSync(file);
			writeFileSync(file, text);
		},
		"of the same size within the same tick": (text) => {
			writeFileSync(file, text.replace(/\d/, "x"));
			writeFileSync(file, text);
		},
		"in a burst": (text) => {
			for (let index = 0; index < 50; index++) writeFileSync(file, `${text} // ${index}`);
		},
	};
	for (const [index, [how, save]] of Object.entries(saves).entries()) {
		save(`export const value = ${index + 1};`);
		await says("compiled metrics/disk");
		const last = events.at(-1);
		assert.ok(last?.type === "compiled");
		assert.match(readFileSync(last.compiled.bundlePath, "utf8"), new RegExp(`value = ${index + 1};`), how);
	}
	assert.ok(events.every(({ type }) => type === "compiled"));
});

test("a file that is written in two halves ends as what was written", async (t) => {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "export const value = 0;");
	const { start, events } = track(t, project);
	await start();
	for (const version of [1, 2, 3]) {
		writeFileSync(file, "export const value");
		// The pauses of a slow writer, from none to longer than it takes to look at the first half.
		const written = Promise.withResolvers<void>();
		setTimeout(() => {
			appendFileSync(file, ` = ${version};`);
			written.resolve();
		}, version * 30);
		await written.promise;
		await until(() => {
			const last = events.at(-1);
			return (
				last?.type === "compiled" && readFileSync(last.compiled.bundlePath, "utf8").includes(`value = ${version};`)
			);
		}, `version ${version} is compiled`);
	}
});

test("a failure is said once, and so is its repair", async (t) => {
	const project = createModuleProject(t);
	const good = "export const value = 1;";
	project.write("metrics/disk.ts", good);
	project.write("metrics/sign.ts", "export const value = 0;");
	const { start, says, events } = track(t, project);
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

test("what a module lacks is found when it comes, in its folder and above", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", 'export { value } from "./_late/helper";');
	project.write("mcps/adder.ts", 'import value from "late";\nexport default () => value;');
	const { start, says } = track(t, project, { pollMs: 50 });
	await start();
	await says("failed mcps/adder", "failed metrics/disk");
	project.write("metrics/_late/helper.ts", "export const value = 1;");
	await says("compiled metrics/disk");
	project.addPackage("late", { "index.js": "module.exports = 1;" });
	await says("compiled mcps/adder");
	project.addPackage("late", {
		"index.js": "module.exports = 2;",
		"package.json": '{ "name": "late", "version": "1.0.1" }',
	});
	await says("compiled mcps/adder");
});

test("a module that goes is removed, one that is renamed is another, one that comes back is new", async (t) => {
	const project = createModuleProject(t);
	const disk = project.write("metrics/disk.ts", "export const value = 1;");
	project.write("metrics/broken.ts", "export const = 1;");
	const { start, says } = track(t, project);
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

test("a module that becomes a folder stays the same module", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", "export const value = 1;");
	const { start, says, sources } = track(t, project);
	await start();
	await says("compiled metrics/disk");
	project.write("metrics/disk/index.ts", "export const value = 2;");
	await says("refused metrics/disk/index.ts");
	rmSync(project.path("metrics/disk.ts"));
	await says("compiled metrics/disk");
	assert.deepEqual(sources.refused(), []);
	project.write("metrics/disk/index.ts", "export const value = 3;");
	await says("compiled metrics/disk");
});

test("a folder that is replaced by the same files is no event, and by others those that differ", async (t) => {
	const project = createModuleProject(t);
	for (const name of ["a", "b", "c"]) project.write(`metrics/${name}.ts`, `export const value = "${name}";`);
	const { start, says } = track(t, project);
	await start();
	await says("compiled metrics/a", "compiled metrics/b", "compiled metrics/c");
	cpSync(project.folders.metrics, project.path("copy"), { recursive: true });
	project.write("copy/b.ts", 'export const value = "another b";');
	rmSync(project.path("copy/c.ts"));
	rmSync(project.folders.metrics, { recursive: true });
	renameSync(project.path("copy"), project.folders.metrics);
	await says("compiled metrics/b", "removed metrics/c");
	project.write("metrics/a.ts", 'export const value = "another a";');
	await says("compiled metrics/a");
});

test("an update of a mounted ConfigMap is a new version of what it changed", async (t) => {
	const project = createModuleProject(t);
	const update = (generation: number, value: number) => {
		project.write(`metrics/..${generation}/disk.ts`, 'export { value } from "./_shared.ts";');
		project.write(`metrics/..${generation}/_shared.ts`, `export const value = ${value};`);
		project.write(`metrics/..${generation}/same.ts`, "export const value = 1;");
		symlinkSync(`..${generation}`, project.path("metrics/..data_tmp"));
		renameSync(project.path("metrics/..data_tmp"), project.path("metrics/..data"));
		rmSync(project.path(`metrics/..${generation - 1}`), { recursive: true, force: true });
	};
	mkdirSync(project.folders.metrics);
	update(1, 1);
	for (const file of ["disk.ts", "_shared.ts", "same.ts"])
		symlinkSync(`..data/${file}`, project.path(`metrics/${file}`));
	const { start, says, events } = track(t, project);
	await start();
	await says("compiled metrics/disk", "compiled metrics/same");
	for (const generation of [2, 3]) {
		update(generation, generation);
		await says("compiled metrics/disk");
		const last = events.at(-1);
		assert.deepEqual(last?.type === "compiled" && last.compiled.inputs, [
			project.path("metrics/_shared.ts"),
			project.path("metrics/disk.ts"),
		]);
	}
});

test("the compiled versions come back when the state folder is deleted", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", "export const value = 1;");
	const { start, events } = track(t, project, { pollMs: 20 });
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
	const { start, log } = track(t, project, {
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
	const { start, says, log } = track(t, project);
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
	const early = track(t, project);
	const starting = early.start();
	await Promise.all([early.sources.stop(), early.sources.stop(), starting]);
	assert.deepEqual(early.events, []);
	await assert.rejects(early.start(), { code: "ILLEGAL_TRANSITION" });

	const unstarted = track(t, project);
	await unstarted.sources.stop();
	await assert.rejects(unstarted.start(), { code: "ILLEGAL_TRANSITION" });

	const stopped = track(t, project);
	await Promise.all([stopped.start(), stopped.start()]);
	assert.equal(stopped.events.length, 10);
	project.write("metrics/disk-0.ts", "export const value = 10;");
	await stopped.sources.stop();
	const watching = track(t, project);
	await watching.start();
	project.write("metrics/disk-1.ts", "export const value = 11;");
	await until(() => watching.events.length === 11, "the change is noticed by who still watches");
	assert.equal(stopped.events.length, 10);
});

function track(t: TestContext, project: ModuleProject, options: Partial<ModuleSourcesOptions> = {}) {
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
		/** Waits until just these events have come since it was asked last, in whatever order. */
		async says(...expected: string[]): Promise<void> {
			await until(
				() => events.length - told >= expected.length,
				`${expected.join(", ")}; it said ${events.slice(told).map(describe)}`,
			);
			assert.deepEqual(events.slice(told).map(describe).toSorted(), expected);
			told = events.length;
		},
	};
}

function describe(event: SourceEvent): string {
	if ("source" in event) return `${event.type} ${event.source.id}`;
	return `${event.type} ${event.type === "removed" ? event.id : event.file}`;
}

function replace(file: string, text: string): void {
	writeFileSync(`${file}.draft`, text);
	renameSync(`${file}.draft`, file);
}
