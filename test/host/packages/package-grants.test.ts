import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { HOST_LIBRARY_FILES, HOST_PACKAGE_READS } from "../../../src/host/packages/host-packages.ts";
import { packageFolderOf } from "../../../src/host/packages/package-folder.ts";
import { createModuleProject, createTestCompiler, load, type ModuleProject } from "../../support/module-project.ts";

const SECRET = "hunter2";

/** A project whose secrets lie everywhere but where a module may read, and a module folder `metrics/evil/`. */
function createTempting(t: Parameters<typeof createModuleProject>[0]): ModuleProject {
	const project = createModuleProject(t);
	for (const file of [".env", "secret.js", "secret.cjs", "secret.json", "elsewhere/node_modules/other/index.js"]) {
		project.write(file, `module.exports = "${SECRET}";`);
	}
	project.write("metrics/neighbour/node_modules/private/index.js", `module.exports = "${SECRET}";`);
	project.write("node_modules/.package-lock.json", SECRET);
	project.write("node_modules/.cache/tool/secret.js", SECRET);
	project.addPackage("plain", { "index.js": "exports.value = 1;" });
	project.addPackage("prom-client", { "index.js": "exports.value = 1;" });
	return project;
}

/** What a module may write in its own folder so that an import leads out of it. */
const ESCAPES: readonly (readonly [what: string, specifier: string, prepare?: (project: ModuleProject) => void])[] = [
	["through a shared library", "prom-client/../../.env"],
	["through a shared library, as code", "prom-client/../../secret.js"],
	["through the host's copy of one", "zod/../../../../../../../../etc/passwd"],
	["through the host's copy to another package of the host's", "zod/../express/index.js"],
	["through any package", "plain/../../secret.js"],
	["to what lies beside the packages", "plain/../.package-lock.json"],
	["to a hidden folder among the packages", "plain/../.cache/tool/secret.js"],
	["with per cent signs", "plain/%2e%2e/%2e%2e/secret.js"],
	["with per cent signs, through a shared library", "zod/%2e%2e/%2e%2e/.env"],
	["with backslashes", "plain\\..\\..\\secret.js"],
	["by an absolute path", "/etc/passwd"],
	["by a file: URL", "file:///etc/passwd"],
	["by a data: URL", "data:text/javascript,export default 1"],
	["by a relative path", "../../secret.js"],
	["to the packages of a neighbour", "../neighbour/node_modules/private/index.js"],
	["to packages of nobody it knows", "../../elsewhere/node_modules/other/index.js"],
	["by the main of a package of its own", "own", (p) => own(p, { main: "../../../../secret.js" })],
	[
		"by the main of a shared library of its own",
		"prom-client",
		(p) => own(p, { main: "../../../../.env" }, "prom-client"),
	],
	["by the exports of a package of its own", "own", (p) => own(p, { exports: "../../../../secret.js" })],
	["by a pattern in exports", "own/../../../../secret.js", (p) => own(p, { exports: { "./*": "./*" } })],
	["by a link in a package of its own", "own", (p) => linked(p, "secret.js", "metrics/evil/node_modules/own/index.js")],
	["by a package that is a link", "own/secret.js", (p) => linked(p, ".", "metrics/evil/node_modules/own")],
	["by node_modules that are a link", "other", (p) => linked(p, "elsewhere/node_modules", "metrics/evil/node_modules")],
	[
		"by a scope that is a link",
		"@own/plain/../../secret.js",
		(p) => linked(p, "node_modules", "metrics/evil/node_modules/@own"),
	],
	[
		"by the imports of its package.json",
		"#x",
		(p) => void p.write("metrics/evil/package.json", '{"imports":{"#x":"plain/../../secret.js"}}'),
	],
	[
		"by imports that lead upwards",
		"#x",
		(p) => void p.write("metrics/evil/package.json", '{"imports":{"#x":"../../secret.js"}}'),
	],
];

for (const [what, specifier, prepare] of ESCAPES) {
	test(`no file is opened ${what}`, async (t) => {
		for (const [file, code] of [
			["index.ts", `void import(${JSON.stringify(specifier)}).catch(() => 0); export function process() {}`],
			["index.ts", `import * as x from ${JSON.stringify(specifier)}; export { x }; export function process() {}`],
			["index.ts", `import x from ${JSON.stringify(specifier)} with { type: "text" }; export { x };`],
			["index.cjs", `try { exports.x = require(${JSON.stringify(specifier)}); } catch {} exports.process = () => {};`],
			["index.cjs", `exports.process = () => require.resolve(${JSON.stringify(specifier)});`],
		] as const) {
			const project = createTempting(t);
			project.write(`metrics/evil/${file}`, code);
			prepare?.(project);
			const compiler = createTestCompiler(t, project);
			const result = await compiler.compile({
				id: "metrics/evil",
				entry: project.path(`metrics/evil/${file}`),
				root: project.folders.metrics,
			});
			assert.doesNotMatch(JSON.stringify(result), new RegExp(SECRET));
			if (!result.ok) continue;
			// What it could not find at all it may leave to Node, which is given nothing more to read for it.
			assert.deepEqual(result.packageReads, [], `${code} opened ${result.packageReads.join()}`);
			assert.deepEqual(result.libraries, []);
		}
	});
}

test("what a package declares leads to packages and to nothing else", async (t) => {
	const project = createTempting(t);
	const needs = ["../../..", "..", ".", "/etc", ".cache", "a/b/c", "@x/../..", "self", "plain", "up", "private"];
	project.write(
		"metrics/node_modules/own/package.json",
		JSON.stringify({ name: "own", dependencies: Object.fromEntries(needs.map((name) => [name, "*"])) }),
	);
	project.write("metrics/node_modules/own/index.js", "exports.value = 1;");
	linked(project, ".", "metrics/node_modules/up");
	linked(project, ".", "node_modules/self");
	linked(project, "metrics/neighbour/node_modules/private", "metrics/node_modules/private");
	project.write("metrics/evil.ts", 'import "own";');
	const compiled = await createTestCompiler(t, project).ok("evil.ts");
	const folders = compiled.packageReads.filter((path) => !path.endsWith("package.json"));
	assert.deepEqual(folders.toSorted(), ["metrics/node_modules/own", "node_modules/plain"].map(project.path));
});

test("packages are found through the links of pnpm's store and of workspaces", async (t) => {
	const project = createModuleProject(t);
	const store = "node_modules/.pnpm";
	project.write(`${store}/a@1/node_modules/a/package.json`, '{ "name": "a", "dependencies": { "b": "1" } }');
	project.write(`${store}/a@1/node_modules/a/index.js`, 'exports.value = require("b");');
	project.write(`${store}/b@1/node_modules/b/index.js`, 'module.exports = "b";');
	linked(project, `${store}/b@1/node_modules/b`, `${store}/a@1/node_modules/b`);
	linked(project, `${store}/a@1/node_modules/a`, "node_modules/a");
	linked(project, `${store}/a@1/node_modules/a`, "metrics/uses/node_modules/a-by-another-name");
	project.write("metrics/uses/index.ts", 'export { value } from "a"; import "a-by-another-name";');
	const compiled = await createTestCompiler(t, project).ok("uses/index.ts");
	assert.equal((await load(compiled.bundlePath)).value, "b");
	assert.deepEqual(
		compiled.packageReads.toSorted(),
		[
			"metrics/uses/node_modules/a-by-another-name",
			"metrics/uses/node_modules/a/package.json",
			`${store}/a@1/node_modules/a`,
			`${store}/a@1/node_modules/b`,
			`${store}/b@1/node_modules/b`,
			"node_modules/a",
		].map(project.path),
	);
});

test("a newer package, or another file where it begins, is another version of the module; the same again is not", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("a", {
		"package.json": '{ "name": "a", "version": "1.0.0", "dependencies": { "b": "1" } }',
		"index.js": "exports.value = 1;",
	});
	project.addPackage("b", { "index.js": "" });
	project.write("metrics/uses.ts", 'export { value } from "a";');
	const compiler = createTestCompiler(t, project);
	const { hash } = await compiler.ok("uses.ts");
	project.write("node_modules/unrelated/package.json", "{}");
	project.write("node_modules/a/index.js", "exports.value = 1;");
	assert.equal((await compiler.ok("uses.ts")).hash, hash);
	project.write("node_modules/b/package.json", '{ "name": "b", "version": "1.0.1" }');
	const updated = (await compiler.ok("uses.ts")).hash;
	assert.notEqual(updated, hash);
	project.write("node_modules/a/index.js", "exports.value = 2;");
	assert.notEqual((await compiler.ok("uses.ts")).hash, updated);
});

test("the host lends exactly the files where its libraries begin, and folders of packages alone", () => {
	assert.ok(HOST_LIBRARY_FILES.size > 10);
	for (const file of HOST_LIBRARY_FILES) {
		assert.match(
			file,
			/[\\/]node_modules[\\/](?:prom-client|zod|@modelcontextprotocol[\\/]server|@prometheus-io[\\/]client|@platformatic[\\/]prom-client)[\\/]/,
		);
	}
	for (const path of HOST_PACKAGE_READS) {
		assert.ok(path.endsWith("package.json") || packageFolderOf(`${path}/x`) === path, path);
	}
});

function own(project: ModuleProject, manifest: object, name = "own"): void {
	project.write(`metrics/evil/node_modules/${name}/package.json`, JSON.stringify({ name, ...manifest }));
}

function linked(project: ModuleProject, target: string, link: string): void {
	mkdirSync(project.path(link.replace(/[^/]+$/, "")), { recursive: true });
	symlinkSync(project.path(target), project.path(link));
}
