import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { createModuleProject, createTestCompiler } from "../../support/module-project.ts";
import { trackSources } from "../../support/tracked-sources.ts";

test("a link that leads out of a module's folder refuses the module, by the link's name", async (t) => {
	const project = createModuleProject(t);
	project.write(".env", "SECRET=hunter2");
	project.write("metrics/other/index.ts", "");
	const compiler = createTestCompiler(t, project);
	for (const [name, target] of [
		["out", project.dir],
		["data/p", "/proc"],
		["env.txt", "../../.env"],
		["other", "../other"],
		["node_modules/disguised", "/etc"],
		["node_modules/@scope/disguised", project.path("mcps")],
	] as const) {
		project.write(`metrics/evil/index.ts`, "export const value = 1;");
		project.write(`metrics/evil/${name}/..keep`, "");
		rmSync(project.path(`metrics/evil/${name}`), { recursive: true });
		mkdirSync(project.folders.mcps, { recursive: true });
		symlinkSync(target, project.path(`metrics/evil/${name}`));
		const [problem] = await compiler.problems("evil/index.ts");
		assert.match(
			problem?.message ?? "",
			new RegExp(`^metrics/evil/${name} is a symbolic link that leads out of metrics/evil/`),
			name,
		);
		assert.doesNotMatch(JSON.stringify(problem), new RegExp(project.dir));
		rmSync(project.path("metrics/evil"), { recursive: true });
	}
});

test("links within the folder, a ConfigMap's, and those to packages are fine", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/..2024_1/mapped/index.ts", 'import text from "./text.txt"; export const value = text;');
	project.write("metrics/..2024_1/mapped/text.txt", "1");
	symlinkSync("..2024_1", project.path("metrics/..data"));
	symlinkSync("..data/mapped", project.path("metrics/mapped"));
	project.write("metrics/own/..2024_1/index.ts", 'export { value } from "a";');
	symlinkSync("..2024_1", project.path("metrics/own/..data"));
	symlinkSync("..data/index.ts", project.path("metrics/own/index.ts"));
	project.addPackage("shared", { "index.js": "exports.value = 1;" });
	project.addPackage(
		"a",
		{ "index.js": 'exports.value = require("shared").value;' },
		"metrics/own/node_modules/.store/a",
	);
	symlinkSync(".store/a/node_modules/a", project.path("metrics/own/node_modules/a"));
	symlinkSync(project.path("node_modules/shared"), project.path("metrics/own/node_modules/shared"));
	symlinkSync("nowhere", project.path("metrics/own/dangling"));
	const compiler = createTestCompiler(t, project);
	await compiler.ok("mapped/index.ts");
	await compiler.ok("own/index.ts");
});

test("a link that comes while the module runs is reported, and its going too", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk/index.ts", "export const value = 1;");
	project.write("metrics/disk/data/words.txt", "");
	const { start, says, events } = trackSources(t, project, { pollMs: 50 });
	await start();
	await says("compiled metrics/disk");
	symlinkSync(project.dir, project.path("link"));
	renameSync(project.path("link"), project.path("metrics/disk/data/out"));
	await says("failed metrics/disk");
	assert.match(JSON.stringify(events.at(-1)), /metrics\/disk\/data\/out is a symbolic link that leads out/);
	rmSync(project.path("metrics/disk/data/out"));
	await says("repaired metrics/disk");
});
