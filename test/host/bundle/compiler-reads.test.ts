/** What the compiler would read by itself, if it were let: comments, package.json files, computed imports. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { createModuleProject, createTestCompiler, load, type ModuleProject } from "../../support/module-project.ts";

const SECRET = "hunter2";

test("a comment that names a source map is read nowhere, whatever it names and however it is written", async (t) => {
	const project = createProject(t);
	const compiler = createTestCompiler(t, project, HASTY);
	const targets = [
		"_d/fifo",
		"_d/sparse.map",
		"../.env",
		`file://${project.path(".env")}`,
		project.path("metrics/_d/fifo"),
	];
	targets.push("/dev/zero", "/proc/self/environ", `data:application/json,${"x".repeat(2 ** 20)}`);
	const forms = (target: string) => [
		`//# sourceMappingURL=${target}`,
		`//@ sourceMappingURL=${target}`,
		`/*# sourceMappingURL=${target} */`,
		`/*@ sourceMappingURL=${target} */ //# sourceMappingURL=${target}`,
	];
	for (const target of targets) {
		for (const comment of forms(target)) {
			project.write("metrics/mapped.ts", `export const value = 1;\n${comment}`);
			const compiled = await compiler.ok("mapped.ts");
			assert.deepEqual(compiled.warnings, [], comment.slice(0, 100));
		}
	}
	const [comment = ""] = forms("_d/fifo");
	project.write("metrics/_helper.js", `export const helper = 1;\n${comment}`);
	project.addPackage("mapped", { "index.js": `exports.value = 1;\n//# sourceMappingURL=../../metrics/_d/fifo` });
	project.write("metrics/style.css", `a {}\n/*# sourceMappingURL=_d/fifo */`);
	const url = `data:text/javascript,${encodeURIComponent(`export default 1;\n//# sourceMappingURL=file://${project.path("metrics/_d/fifo")}`)}`;
	project.write(
		"metrics/mapped.ts",
		`import "./_helper.js"; import "mapped"; import "./style.css"; import one from ${JSON.stringify(url)};\nexport const value = one;`,
	);
	assert.equal((await load((await compiler.ok("mapped.ts")).bundlePath)).value, 1);
});

test("a file that is cut short is shown as its author wrote it", async (t) => {
	const project = createProject(t);
	project.write("metrics/cut.ts", "export const value = (");
	const [problem] = await createTestCompiler(t, project).problems("cut.ts");
	assert.match(problem?.message ?? "", /^Unexpected end of file/);
	assert.doesNotMatch(JSON.stringify(problem), /sourceMappingURL/);
});

const MANIFESTS: readonly (readonly [
	how: string,
	make: (path: string, project: ModuleProject) => void,
	expected: RegExp,
])[] = [
	["a FIFO", (path) => assert.equal(spawnSync("mkfifo", [path]).status, 0), /package\.json is not a regular file/],
	["a device", (path) => symlinkSync("/dev/zero", path), /package\.json is (?:not a regular file|a symbolic link)/],
	[
		"a link to a secret",
		(path, project) => symlinkSync(project.path(".env"), path),
		/package\.json is a symbolic link/,
	],
	["huge", (path) => (writeFileSync(path, "{}"), truncateSync(path, 2 ** 30)), /package\.json is larger than 1 MiB/],
];

for (const [how, make, expected] of MANIFESTS) {
	test(`a package.json that is ${how} is never read`, async (t) => {
		const project = createProject(t);
		const compiler = createTestCompiler(t, project, HASTY);
		for (const [folder, file, source] of [
			["metrics/own", "own/index.ts", "export const value = 1;"],
			["metrics/deep/lib", "deep/index.ts", 'export { value } from "./lib/a.ts";'],
			["metrics/packed/node_modules/evil", "packed/index.ts", 'export { value } from "evil/a.js";'],
			["metrics/nested/node_modules/evil/sub", "nested/index.ts", 'export { value } from "evil/sub/a.js";'],
			["metrics/node_modules/evil", "importing.ts", 'export { value } from "evil/a.js";'],
		] as const) {
			project.write(`metrics/${file}`, source);
			project.write(`${folder}/a.${folder.endsWith("lib") ? "ts" : "js"}`, "export const value = 1;");
			make(project.path(`${folder}/package.json`), project);
			const problems = await compiler.problems(file);
			assert.match(problems[0]?.message ?? "", expected, folder);
			assert.doesNotMatch(JSON.stringify(problems), new RegExp(SECRET), folder);
		}
	});
}

test("what stands in a package.json that esbuild cannot use is not shown", async (t) => {
	const project = createProject(t);
	project.write("metrics/own/index.ts", 'import "#x"; export const value = 1;');
	project.write("metrics/own/package.json", `{ "name": ${SECRET} }`);
	const problems = await createTestCompiler(t, project).problems("own/index.ts");
	assert.doesNotMatch(JSON.stringify(problems), new RegExp(SECRET));
});

test("a tsconfig.json is not read at all", async (t) => {
	const project = createProject(t);
	assert.equal(spawnSync("mkfifo", [project.path("metrics/tsconfig.json")]).status, 0);
	project.write("metrics/own/index.ts", "export const value = 1;");
	project.write("metrics/own/tsconfig.json", '{ "extends": "../../.env" }');
	const compiler = createTestCompiler(t, project, HASTY);
	await compiler.ok("own/index.ts");
});

test("a computed import stays in the module folder", async (t) => {
	const project = createProject(t);
	const compiler = createTestCompiler(t, project, HASTY);
	for (const call of [
		"import(`../../../../${x}/b${x}`)",
		"import('../' + x)",
		"import(/* webpackIgnore: true */ ('../' + x))",
		"require(`../${x}`)",
		"require('../x/' + x + '.js')",
		"import(`./../${x}`)",
		"import('\\x2e./' + x)",
	]) {
		project.write("metrics/globs.ts", `const x = String(Math.random());\nexport const value = () => ${call};`);
		const problems = await compiler.problems("globs.ts");
		assert.match(problems[0]?.message ?? "", /^metrics\/globs\.ts computes a path in line 2 that leads out of/, call);
	}
	project.write("metrics/_units/a.ts", "export const value = 'a';");
	project.write("metrics/own/index.ts", "export const value = (x: string) => import(`../_units/${x}.ts`);");
	const { value } = await load((await compiler.ok("own/index.ts")).bundlePath);
	assert.equal((await (value as (x: string) => Promise<{ value: string }>)("a")).value, "a");
});

test("no problem says where on the machine the module folders lie", async (t) => {
	const project = createProject(t);
	symlinkSync(project.path(".env"), project.path("metrics/linked.ts"));
	mkdirSync(project.path("metrics/folder.ts"));
	const compiler = createTestCompiler(t, project);
	const all = [await compiler.problems("linked.ts"), await compiler.problems("gone.ts")];
	for (const source of ['import "/etc/passwd";', 'import "../.env";', 'import "./folder.ts";', 'import "./none.ts";']) {
		project.write("metrics/asking.ts", source);
		all.push(await compiler.problems("asking.ts"));
	}
	assert.doesNotMatch(JSON.stringify(all), new RegExp(`${project.dir}|hunter2`));
});

/** Whoever waits for a FIFO, or reads what has no end, does not end in time. */
const HASTY = { timeoutMs: 8000 };

function createProject(t: TestContext): ModuleProject {
	const project = createModuleProject(t);
	project.write(".env", `SECRET=${SECRET}`);
	writeFileSync(project.write("metrics/_d/sparse.map", ""), "");
	truncateSync(project.path("metrics/_d/sparse.map"), 1500 * 1024 ** 2);
	assert.equal(spawnSync("mkfifo", [project.path("metrics/_d/fifo")]).status, 0);
	return project;
}
