import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import client, { register } from "prom-client";
import { createModuleProject, createTestCompiler, load } from "../../support/module-project.ts";

const require = createRequire(import.meta.url);
const FIXTURES = join(import.meta.dirname, "../../fixtures/sources");

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
