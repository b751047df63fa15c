import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { test } from "node:test";
import * as sdk from "@modelcontextprotocol/server";
import * as platformatic from "@platformatic/prom-client";
import * as prometheusIo from "@prometheus-io/client";
import { register } from "prom-client";
import * as zod from "zod";
import { createModuleProject, createTestCompiler, type FixtureExports, load } from "../../support/module-project.ts";

const require = createRequire(import.meta.url);

test("the MCP SDK and zod are shared, with their subpaths, as the build that each way of importing asks for", async (t) => {
	const project = createModuleProject(t);
	project.write(
		"metrics/esm.ts",
		'export { McpServer } from "@modelcontextprotocol/server";\nexport { z } from "zod";\nexport * as v4 from "zod/v4";',
	);
	project.write(
		"metrics/cjs.cjs",
		'exports.sdk = require("@modelcontextprotocol/server"); exports.z = require("zod").z;',
	);
	const compiler = createTestCompiler(t, project);

	const esm = await compiler.ok("esm.ts");
	const namespace = await load(esm.bundlePath);
	assert.equal(namespace.McpServer, sdk.McpServer);
	assert.equal(namespace.z, zod.z);
	assert.deepEqual(
		esm.libraries.map(({ name }) => name),
		["@modelcontextprotocol/server", "zod", "zod"],
	);
	assert.deepEqual(esm.clients, []);

	const cjs = await compiler.ok("cjs.cjs");
	assert.equal(typeof (await load(cjs.bundlePath)).sdk.McpServer, "function");
	assert.deepEqual(
		cjs.libraries.map(({ path }) => extname(path)),
		[".cjs", ".cjs"],
	);
});

test("each client library is the host's own, as import and as require find it", async (t) => {
	const project = createModuleProject(t);
	const compiler = createTestCompiler(t, project);
	for (const [name, own] of [
		["prom-client", register],
		["@prometheus-io/client", prometheusIo.register],
		["@platformatic/prom-client", platformatic.register],
	] as const) {
		const file = name.replaceAll(/\W/g, "-").replace(/^-/, "");
		project.write(`metrics/${file}-esm.ts`, `import { register } from "${name}";\nexport { register };`);
		project.write(`metrics/${file}-cjs.cjs`, `exports.register = require("${name}").register;`);
		for (const [compiled, expected] of [
			[await compiler.ok(`${file}-esm.ts`), own],
			[await compiler.ok(`${file}-cjs.cjs`), (require(name) as FixtureExports).register],
		] as const) {
			assert.equal((await load(compiled.bundlePath)).register, expected, compiled.id);
			assert.deepEqual(
				compiled.clients.map((library) => library.name),
				[name],
			);
			const [library] = compiled.clients;
			assert.equal(
				(require(library?.path ?? "") as FixtureExports).register,
				expected,
				"the runtime finds it by its path",
			);
		}
	}
});

test("the author's own copy of a shared library comes before the host's", async (t) => {
	const project = createModuleProject(t);
	const library = "@prometheus-io/client";
	project.addPackage(
		library,
		{
			"package.json": JSON.stringify({ name: library, exports: { import: "./index.mjs", require: "./index.cjs" } }),
			"index.mjs": 'export const register = "the author\'s, for import";',
			"index.cjs": 'exports.register = "the author\'s, for require";',
		},
		"metrics",
	);
	project.addPackage("prom-client", { "index.js": 'exports.register = "the author\'s";' });
	project.write(
		"metrics/esm.ts",
		`import { register } from "${library}";\nexport { register };\nimport "prom-client";`,
	);
	project.write("metrics/cjs.cjs", `exports.register = require("${library}").register;`);
	const compiler = createTestCompiler(t, project);

	const esm = await compiler.ok("esm.ts");
	assert.deepEqual(esm.clients, [
		{ name: library, path: project.path(`metrics/node_modules/${library}/index.mjs`) },
		{ name: "prom-client", path: project.path("node_modules/prom-client/index.js") },
	]);
	assert.equal((await load(esm.bundlePath)).register, "the author's, for import");
	assert.equal((await load((await compiler.ok("cjs.cjs")).bundlePath)).register, "the author's, for require");
});

test("a CommonJS module has the CommonJS build, also by way of a helper that is an ES module", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/cjs.cjs", 'exports.value = require("./_helper.mjs").z;');
	project.write("metrics/_helper.mjs", 'export { z } from "zod";');
	const compiled = await createTestCompiler(t, project).ok("cjs.cjs");
	assert.deepEqual(
		compiled.libraries.map(({ path }) => path),
		[require.resolve("zod")],
	);
	assert.equal((await load(compiled.bundlePath)).value, (require("zod") as FixtureExports).z);
});

test("packages are resolved as Node does it, and not as bundlers do", async (t) => {
	const project = createModuleProject(t);
	const manifest = { name: "many", exports: { module: "./module.js", browser: "./browser.js", node: "./node.js" } };
	project.addPackage("many", { "package.json": JSON.stringify(manifest), "node.js": "module.exports = 'for Node';" });
	project.write("node_modules/many/module.js", "export default 'for bundlers';");
	project.write("metrics/uses.ts", 'import value from "many";\nexport { value };');
	assert.equal((await load((await createTestCompiler(t, project).ok("uses.ts")).bundlePath)).value, "for Node");
});

test("other packages are loaded by Node from where they lie, and opened with what they declare", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("outer", {
		"package.json": '{ "name": "outer", "dependencies": { "inner": "1", "beside": "1", "missing": "1" } }',
		"index.js": 'exports.value = require("inner") + require("beside") + require("node:path").sep;',
	});
	project.addPackage("inner", { "index.js": 'module.exports = "inner";' }, "node_modules/outer");
	project.addPackage("beside", { "index.js": 'module.exports = " and beside";' });
	project.addPackage("unrelated", { "index.js": "" });
	project.write("metrics/uses.ts", 'import { value } from "outer";\nexport { value };');
	const compiled = await createTestCompiler(t, project).ok("uses.ts");
	assert.equal((await load(compiled.bundlePath)).value, "inner and beside/");
	assert.deepEqual(
		compiled.packageReads.toSorted(),
		[
			"node_modules/beside",
			"node_modules/missing/package.json", // where Node looks before it looks further up
			"node_modules/outer",
		].map(project.path),
	);
	for (const name of ["outer", "outer/node_modules/inner", "beside"]) {
		assert.ok(compiled.inputs.includes(project.path(`node_modules/${name}/package.json`)), name);
	}
});

test("a linked package of a workspace is compiled in", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("@acme/lib", {});
	rmSync(project.path("node_modules/@acme/lib"), { recursive: true });
	project.write("packages/lib/package.json", '{ "name": "@acme/lib", "main": "./src/main.ts" }');
	project.write("packages/lib/src/main.ts", "export const value: number = 5;");
	symlinkSync(project.path("packages/lib"), project.path("node_modules/@acme/lib"));
	project.write("metrics/uses.ts", 'export { value } from "@acme/lib";');
	const compiled = await createTestCompiler(t, project).ok("uses.ts");
	assert.equal((await load(compiled.bundlePath)).value, 5);
	assert.ok(compiled.inputs.includes(project.path("packages/lib/src/main.ts")));
});
