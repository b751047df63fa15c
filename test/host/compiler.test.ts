import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { cpSync, rmSync, symlinkSync } from "node:fs";
import { extname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import * as sdk from "@modelcontextprotocol/server";
import * as platformatic from "@platformatic/prom-client";
import * as prometheusIo from "@prometheus-io/client";
import client, { register } from "prom-client";
import * as zod from "zod";
import { createModuleProject, createTestCompiler } from "../support/module-project.ts";

const require = createRequire(import.meta.url);
const FIXTURES = join(import.meta.dirname, "../fixtures/sources");

test("every format is imported from the state folder, and has the prom-client that the host has", async (t) => {
	const project = createModuleProject(t);
	cpSync(join(FIXTURES, "formats"), project.folders.metrics, { recursive: true });
	const compiler = createTestCompiler(t, project);
	const formats = {
		"esm-ts.ts": ".mjs",
		"esm-mts.mts": ".mjs",
		"esm-js.js": ".mjs",
		"esm-mjs.mjs": ".mjs",
		"esm-dynamic.ts": ".mjs",
		"esm-helper.ts": ".mjs",
		"cjs-js.js": ".cjs",
		"cjs-cjs.cjs": ".cjs",
		"cjs-ts.ts": ".cjs",
	};
	for (const [file, extension] of Object.entries(formats)) {
		const compiled = await compiler.ok(file);
		assert.equal(extname(compiled.bundlePath), extension, file);
		assert.ok(compiled.bundlePath.startsWith(project.stateDir), file);
		assert.deepEqual(compiled.clients, [{ name: "prom-client", path: require.resolve("prom-client") }], file);

		const { seen, process } = await load(compiled.bundlePath);
		assert.equal(seen["register"], register, file);
		assert.equal(seen["default"], register, file);
		process();
		const metric = `${file.replace(/\..*/, "").replaceAll("-", "_")}_total`;
		assert.match(await client.register.getSingleMetricAsString(metric), / 1$/, file);
	}
});

test("what esbuild makes of TypeScript works, and types leave no import behind", async (t) => {
	const project = createModuleProject(t);
	cpSync(join(FIXTURES, "typescript"), join(project.folders.metrics, "typescript"), { recursive: true });
	const compiled = await createTestCompiler(t, project).ok("typescript/index.ts");
	const { answers } = await load(compiled.bundlePath);
	assert.deepEqual(answers, {
		enum: 10,
		constEnum: 7,
		namespace: 3,
		parameterProperty: 5,
		decorator: 9,
		declaredField: false,
		accessor: 1,
		keptNames: ["Counter", "Counter"],
		extensionless: "HI!",
		json: 2,
		text: "read as text",
		settled: "top-level await",
	});
	const folder = join(project.folders.metrics, "typescript");
	assert.deepEqual(
		compiled.inputs,
		["index.ts", "lib/notice.txt", "lib/shout.ts", "lib/twice.ts", "lib/words.json"].map((file) => join(folder, file)),
	);
});

test("a tsconfig.json further up changes nothing", async (t) => {
	const project = createModuleProject(t);
	project.write(
		"tsconfig.json",
		JSON.stringify({ compilerOptions: { experimentalDecorators: true, paths: { aliased: ["./metrics/_helper.ts"] } } }),
	);
	project.write("metrics/_helper.ts", "export const helper = 1;");
	project.write(
		"metrics/decorated.ts",
		"const kind = (_: unknown, context: { kind: string }) => void (value = context.kind);\n" +
			"export let value = '';\nclass Decorated { @kind method() {} }\nnew Decorated();",
	);
	project.write("metrics/uses-alias.ts", 'export { helper } from "aliased";');
	const compiler = createTestCompiler(t, project);
	assert.equal((await load((await compiler.ok("decorated.ts")).bundlePath)).value, "method"); // as in the standard
	assert.match((await compiler.problems("uses-alias.ts"))[0]?.message ?? "", /Cannot find the package "aliased"/);
});

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

test("other packages are compiled in, with what they need", async (t) => {
	const project = createModuleProject(t);
	project.addPackage("outer", { "index.js": 'exports.value = require("inner") + require("node:path").sep;' });
	project.addPackage("inner", { "index.js": 'module.exports = "inner";' }, "node_modules/outer");
	project.write("metrics/uses.ts", 'import { value } from "outer";\nexport { value };');
	const compiled = await createTestCompiler(t, project).ok("uses.ts");
	assert.ok(compiled.inputs.includes(project.path("node_modules/outer/node_modules/inner/package.json")));
	rmSync(project.path("node_modules"), { recursive: true });
	assert.equal((await load(compiled.bundlePath)).value, "inner/");
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

test("a module's own place is where its author wrote it, not where its bundle lies", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk/data.txt", "found");
	project.write("metrics/disk/lib/helper.ts", "export const url = import.meta.url;");
	project.write(
		"metrics/disk/old.cjs",
		'"use strict";\nexports.place = [__dirname, __filename, isStrict()];\nfunction isStrict() { return this === undefined; }',
	);
	project.write(
		"metrics/disk/index.ts",
		'import { readFileSync } from "node:fs";\nimport { url } from "./lib/helper.ts";\nimport old from "./old.cjs";\n' +
			'export const data = readFileSync(new URL("./data.txt", import.meta.url), "utf8");\n' +
			"export const places = [import.meta.dirname, import.meta.filename, url, ...old.place];",
	);
	const { data, places } = await load((await createTestCompiler(t, project).ok("disk/index.ts")).bundlePath);
	const folder = project.path("metrics/disk");
	assert.equal(data, "found");
	assert.deepEqual(places, [
		folder,
		join(folder, "index.ts"),
		pathToFileURL(join(folder, "lib/helper.ts")).href,
		folder,
		join(folder, "old.cjs"),
		true,
	]);
});

test("a CommonJS module keeps its place and its strictness, or sloppiness", async (t) => {
	const project = createModuleProject(t);
	const body = "exports.value = [__dirname, (function () { return this === undefined; })()];";
	project.write(
		"metrics/strict.cjs",
		`#!/usr/bin/env node\n// "use strict" comes later\n/* here: */ 'use strict';\n${body}`,
	);
	project.write("metrics/sloppy.cjs", `// "use strict"\n${body}`);
	const compiler = createTestCompiler(t, project);
	assert.deepEqual((await load((await compiler.ok("strict.cjs")).bundlePath)).value, [project.folders.metrics, true]);
	assert.deepEqual((await load((await compiler.ok("sloppy.cjs")).bundlePath)).value, [project.folders.metrics, false]);
});

test("a module that changes its format changes it", async (t) => {
	const project = createModuleProject(t);
	const compiler = createTestCompiler(t, project);
	for (const [text, extension] of [
		["exports.value = 1;", ".cjs"],
		["exports.value = 2;", ".cjs"],
		["export const value = await 3;", ".mjs"],
		["exports.value = 4;", ".cjs"],
	] as const) {
		project.write("metrics/changing.js", text);
		const compiled = await compiler.ok("changing.js");
		assert.equal(extname(compiled.bundlePath), extension, text);
		assert.equal((await load(compiled.bundlePath)).value, Number(/\d/.exec(text)?.[0]));
	}
});

/** What the modules of these tests export, none of them all of it. */
interface FixtureExports {
	readonly seen: Readonly<Record<string, unknown>>;
	readonly process: () => void;
	readonly answers: unknown;
	readonly register: unknown;
	readonly value: unknown;
	readonly data: unknown;
	readonly places: unknown;
	readonly McpServer: unknown;
	readonly z: unknown;
	readonly sdk: { readonly McpServer: unknown };
}

/** The exports of a bundle, as a worker sees them: those of CommonJS are its default. */
async function load(bundlePath: string): Promise<FixtureExports> {
	const namespace = (await import(pathToFileURL(bundlePath).href)) as { readonly default: FixtureExports };
	return bundlePath.endsWith(".cjs") ? namespace.default : (namespace as unknown as FixtureExports);
}
