import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { createModuleProject, createTestCompiler, type ModuleProject } from "../../support/module-project.ts";

test("a syntax error is shown where it is, in the file that has it", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/_helper.ts", 'export const fine = 1;\n\n\texport const größe = "ä" + ;\n');
	project.write("metrics/disk.ts", 'export { fine } from "./_helper.ts";');
	assert.deepEqual(await createTestCompiler(t, project).problems("disk.ts"), [
		{
			file: "metrics/_helper.ts",
			line: 3,
			column: 29,
			message: 'Unexpected ";"',
			frame: '3 | \texport const größe = "ä" + ;\n  | \t                           ^',
		},
	]);
});

test("a file that asks where it lies has its problems in the right column of the right line", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/first.ts", "export const here = import.meta.url + ;");
	project.write("metrics/second.ts", "export const here = import.meta.url;\nexport const = 2;");
	const compiler = createTestCompiler(t, project);
	const [first] = await compiler.problems("first.ts");
	assert.deepEqual(
		[first?.line, first?.column, first?.frame],
		[1, 39, `1 | export const here = import.meta.url + ;\n  | ${" ".repeat(38)}^`],
	);
	const [second] = await compiler.problems("second.ts");
	assert.deepEqual([second?.line, second?.column], [2, 14]);
});

test("every problem is shown, up to a number, and a long line only around it", async (t) => {
	const project = createModuleProject(t);
	project.write(
		"metrics/many.ts",
		Array.from({ length: 30 }, (_, index) => `import "./_none-${index}.ts";`).join("\n"),
	);
	project.write(
		"metrics/long.ts",
		`export const text = "${"x".repeat(5000)}"; export const = 1; /* ${"y".repeat(5000)} */`,
	);
	const compiler = createTestCompiler(t, project);
	const many = await compiler.problems("many.ts");
	assert.equal(many.length, 21);
	assert.equal(many[19]?.message, 'Cannot find "./_none-19.ts". Correct the path, or add the file.');
	assert.equal(many[20]?.message, "There are 10 more problems.");
	const [long] = await compiler.problems("long.ts");
	assert.equal(long?.column, 5038);
	assert.ok((long?.frame.length ?? 0) < 300);
	assert.match(long?.frame ?? "", /export const = 1;.*\n.*\^/);
});

test("what is missing is named, with what to do", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("exporting", { "package.json": '{ "name": "exporting", "exports": "./index.js" }' });
	const compiler = createTestCompiler(t, project);
	const cases = [
		['import "./nowhere.ts";', 'Cannot find "./nowhere.ts". Correct the path, or add the file.'],
		[
			'import "left-pad";',
			'Cannot find the package "left-pad". Run `npm install left-pad` in the folder that holds metrics/, or correct the name.',
		],
		[
			'import "@acme/lib/sub";',
			'Cannot find "@acme/lib/sub" in a package "@acme/lib". Run `npm install @acme/lib` in the folder that holds metrics/, or correct the name.',
		],
		[
			'import "prom-client/nowhere";',
			'Cannot find "prom-client/nowhere" in a package "prom-client". Run `npm install prom-client` in the folder that holds metrics/, or correct the name.',
		],
		[
			'import "exporting/nowhere";',
			'Cannot find "exporting/nowhere". The path "./nowhere" is not exported by package "exporting".',
		],
		['import "#internal";', 'Cannot find "#internal" in the "imports" of a package.json.'],
		[
			'import "https://example.org/x.js";',
			'"https://example.org/x.js" cannot be imported: code comes from the module folder and from packages, never from a URL.',
		],
	] as const;
	for (const [text, message] of cases) {
		project.write("metrics/lacking.ts", `\n${text}`);
		const problems = await compiler.problems("lacking.ts");
		assert.deepEqual(
			problems.map((problem) => [problem.file, problem.line, problem.column, problem.message]),
			[["metrics/lacking.ts", 2, 8, message]],
		);
	}
});

test("what is missing within try and catch is left to the module, as in Node", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/optional.cjs", 'try { require("left-pad"); } catch { exports.value = "without"; }');
	await createTestCompiler(t, project).ok("optional.cjs");
});

test("a native add-on that a module imports by its name is refused with the reason", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("native", { "build/native.node": "ELF" });
	project.write("metrics/_own.node", "ELF");
	for (const [specifier, name] of [
		["native/build/native.node", "node_modules/native/build/native.node"],
		["./_own.node", "metrics/_own.node"],
	] as const) {
		project.write("metrics/fast.ts", `import "${specifier}";`);
		const [problem] = await createTestCompiler(t, project).problems("fast.ts");
		assert.equal(
			problem?.message.slice(0, name.length + 57),
			`${name} is a native add-on. Add-ons are not available to modules`,
		);
	}
});

test("nothing outside of the module folder is compiled in, by whatever way", async (t) => {
	const project = createModuleProject(t);
	project.write(".env", "SECRET=hunter2");
	project.write("lib/shared.ts", "export const SECRET = 'hunter2' +;");
	project.write("metrics/_helper.ts", "");
	symlinkSync(project.path(".env"), project.path("metrics/_link.txt"));
	symlinkSync(project.dir, project.path("metrics/_up"));
	symlinkSync(project.path("lib/shared.ts"), project.path("metrics/linked.ts"));
	project.addPackage("evil", {}, "metrics");
	symlinkSync(project.path("lib"), project.path("metrics/node_modules/evil/lib"));
	const compiler = createTestCompiler(t, project);
	for (const [specifier, outside] of [
		["../.env", ".env"],
		["./_link.txt", ".env"],
		["./_up/.env", ".env"],
		[project.path(".env"), ".env"],
		["../lib/shared.ts", "lib/shared.ts"],
		["/etc/passwd", "passwd"],
	] as const) {
		project.write("metrics/nosy.ts", `import secret from "${specifier}" with { type: "text" };\nexport { secret };`);
		const problems = await compiler.problems("nosy.ts");
		assert.match(
			problems[0]?.message ?? "",
			new RegExp(`^${outside} lies outside of metrics/\\. .*move the file into metrics/`),
			specifier,
		);
		assert.doesNotMatch(JSON.stringify(problems), /hunter2/, specifier);
	}
	project.write(
		"metrics/nosy.ts",
		'import secret from "evil/lib/shared.ts" with { type: "text" };\nexport { secret };',
	);
	assert.match(
		(await compiler.problems("nosy.ts"))[0]?.message ?? "",
		/^metrics\/node_modules\/evil\/lib is a symbolic link that leads out of metrics\/node_modules\/evil\//,
	);
	const [linked] = await compiler.problems("linked.ts");
	assert.match(linked?.message ?? "", /^metrics\/linked\.ts is a symbolic link that leads outside of metrics\//);
});

test("what is no file of a reasonable size is never read", async (t) => {
	const project = createModuleProject(t);
	writeFileSync(project.write("metrics/_big.json", ""), "");
	truncateSync(project.path("metrics/_big.json"), 100 * 1024 * 1024);
	assert.equal(spawnSync("mkfifo", [project.path("metrics/_pipe.txt")]).status, 0);
	const compiler = createTestCompiler(t, project);
	const problemOf = (file: string) => importOf(project, file).then(() => compiler.problems("reading.ts"));
	assert.match((await problemOf("./_big.json"))[0]?.message ?? "", /^metrics\/_big\.json is larger than 16 MiB/);
	assert.match((await problemOf("./_pipe.txt"))[0]?.message ?? "", /^metrics\/_pipe\.txt is not a regular file/);
});

test("a bundle that is too large is refused, and its largest parts are named", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/_data.json", JSON.stringify("x".repeat(20_000)));
	project.write("metrics/wide.ts", 'import data from "./_data.json";\nexport const value = data;');
	const [problem] = await createTestCompiler(t, project, { maxBundleBytes: () => 10_000 }).problems("wide.ts");
	assert.match(
		problem?.message ?? "",
		/^Its bundle has 0\.0 MiB, more than .* The largest parts are _data\.json \(0\.0 MiB\)/,
	);
});

test("what is probably a mistake is a warning", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/odd.ts", "export const odd = (value: unknown) => typeof value === 'nubmer';");
	const { warnings } = await createTestCompiler(t, project).ok("odd.ts");
	assert.deepEqual(
		warnings.map(({ file, line, message }) => [file, line, message]),
		[["metrics/odd.ts", 1, 'The "typeof" operator will never evaluate to "nubmer"']],
	);
});

async function importOf(project: ModuleProject, file: string): Promise<void> {
	project.write("metrics/reading.ts", `import data from "${file}";\nexport const value = data;`);
}
