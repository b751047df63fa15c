import assert from "node:assert/strict";
import {
	appendFileSync,
	cpSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { createModuleProject } from "../../support/module-project.ts";
import { trackSources } from "../../support/tracked-sources.ts";
import { until } from "../../support/until.ts";

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
	const { start, says } = trackSources(t, project);
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
	const { start, says } = trackSources(t, project);
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
	const { start, says, events } = trackSources(t, project);
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
	const { start, events } = trackSources(t, project);
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

test("what a module lacks is found when it comes, in its folder and above", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", 'export { value } from "./_late/helper";');
	project.write("mcps/adder.ts", 'import value from "late";\nexport default () => value;');
	const { start, says } = trackSources(t, project, { pollMs: 50 });
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

test("a folder that is replaced by the same files is no event, and by others those that differ", async (t) => {
	const project = createModuleProject(t);
	for (const name of ["a", "b", "c"]) project.write(`metrics/${name}.ts`, `export const value = "${name}";`);
	const { start, says } = trackSources(t, project);
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
	const { start, says, events } = trackSources(t, project);
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

function replace(file: string, text: string): void {
	writeFileSync(`${file}.draft`, text);
	renameSync(`${file}.draft`, file);
}
