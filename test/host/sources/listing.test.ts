import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { listModules } from "../../../src/host/sources/listing.ts";
import { createModuleProject } from "../../support/module-project.ts";

test("files and folders are listed as modules, in the order of their names", async (t) => {
	const project = createModuleProject(t);
	for (const file of [
		"b.ts",
		"a/index.mjs",
		"c.cjs",
		"_d.ts",
		"e/helper.ts",
		"f.d.ts",
		"g.test.ts",
		"node_modules/h/index.js",
	]) {
		project.write(`metrics/${file}`, "");
	}
	symlinkSync(project.write("elsewhere/i.ts", ""), project.path("metrics/i.ts"));
	symlinkSync(project.path("metrics/a"), project.path("metrics/j"));
	const root = project.folders.metrics;
	const listing = await listModules("metrics", root);
	assert.deepEqual(listing, {
		sources: [
			["a", "a/index.mjs"],
			["b", "b.ts"],
			["c", "c.cjs"],
			["i", "i.ts"],
			["j", "j/index.mjs"],
		].map(([name, path]) => ({
			id: `metrics/${name}`,
			kind: "metrics",
			name,
			root,
			entry: project.path(`metrics/${path}`),
			file: `metrics/${path}`,
		})),
		refused: [
			{
				file: "metrics/e",
				problem:
					'metrics/e is not loaded: a folder is a module by its index file, and it has none: add e/index.ts, or let its name begin with "_" when it is no module.',
			},
		],
	});
});

test("two sources of one name are a problem that names both, and the same one always wins", async (t) => {
	const project = createModuleProject(t);
	for (const file of ["two.js", "two.ts", "two/index.ts", "three/index.cjs", "three/index.js"])
		project.write(`mcps/${file}`, "");
	const { sources, refused } = await listModules("mcps", project.folders.mcps);
	assert.deepEqual(
		sources.map(({ id, file }) => [id, file]),
		[
			["mcps/three", "mcps/three/index.js"],
			["mcps/two", "mcps/two.ts"],
		],
	);
	const lost = (file: string, first: string, id: string) => ({
		file,
		problem: `${file} is not loaded: ${first} has the same name, ${id}, and comes first. Rename or remove one of them.`,
	});
	assert.deepEqual(refused, [
		lost("mcps/three/index.cjs", "mcps/three/index.js", "mcps/three"),
		lost("mcps/two.js", "mcps/two.ts", "mcps/two"),
		lost("mcps/two/index.ts", "mcps/two.ts", "mcps/two"),
	]);
});

test("what looks like a module and cannot be one is refused, never passed over", async (t) => {
	const project = createModuleProject(t);
	mkdirSync(project.folders.metrics);
	project.write("metrics/disk usage.ts", "");
	project.write("metrics/net usage/index.ts", "");
	project.write("metrics/no module/data.txt", "");
	symlinkSync("nowhere.ts", project.path("metrics/dangling.ts"));
	assert.equal(spawnSync("mkfifo", [project.path("metrics/pipe.ts")]).status, 0);
	const { sources, refused } = await listModules("metrics", project.folders.metrics);
	assert.deepEqual(sources, []);
	assert.deepEqual(
		refused.map(({ file, problem }) => [file, problem.replace(/: it may have up to.*/, "")]),
		[
			[
				"metrics/dangling.ts",
				"metrics/dangling.ts is not loaded: it is a symbolic link that leads nowhere. Mend or remove the link.",
			],
			["metrics/disk usage.ts", 'metrics/disk usage.ts is not loaded: "disk usage" cannot be the name of a module'],
			[
				"metrics/net usage/index.ts",
				'metrics/net usage/index.ts is not loaded: "net usage" cannot be the name of a module',
			],
			["metrics/pipe.ts", "metrics/pipe.ts is not loaded: it is neither a file nor a folder."],
		],
	);
});
