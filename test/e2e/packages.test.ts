import assert from "node:assert/strict";
import { test } from "node:test";
import { PACKAGE_KINDS } from "../support/package-kinds.ts";
import { startTestServer } from "../support/test-server.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

/** A tool of an ES module, and one of a CommonJS module, that load each kind when they are called. */
const LOADERS = {
	"mcps/imports.ts": `export default (server) => server.registerTool("imports", {}, async () => {
	const results = {};
	const take = async (name, load) => { try { results[name] = (await load()).value; } catch (error) { results[name] = error.code ?? String(error); } };
${PACKAGE_KINDS.map(({ name, specifier = name }) => `	await take("${name}", () => import("${specifier}"));`).join("\n")}
	return { content: [{ type: "text", text: JSON.stringify(results) }] };
});`,
	"mcps/requires.cjs": `module.exports = (server) => server.registerTool("requires", {}, () => {
	const results = {};
	const take = (name, load) => { try { results[name] = load().value; } catch (error) { results[name] = error.code ?? String(error); } };
${PACKAGE_KINDS.map(({ name, specifier = name }) => `	take("${name}", () => require("${specifier}"));`).join("\n")}
	return { content: [{ type: "text", text: JSON.stringify(results) }] };
});`,
};

function kindFiles(): Files {
	const files: Record<string, string | Uint8Array> = { "node_modules/.package-lock.json": "{}" };
	for (const { name, files: own, others } of PACKAGE_KINDS) {
		files[`node_modules/${name}/package.json`] = JSON.stringify({ name, version: "1.0.0" });
		for (const [file, text] of Object.entries(own)) files[`node_modules/${name}/${file}`] = text;
		Object.assign(files, others);
	}
	return files;
}

const EXPECTED = {
	imports: Object.fromEntries(PACKAGE_KINDS.map(({ name, expects }) => [name, expects])),
	requires: Object.fromEntries(
		PACKAGE_KINDS.map(({ name, expects, expectsRequired = expects }) => [name, expectsRequired]),
	),
};

for (const isolation of ["thread", "process"]) {
	test(`each kind of package works in a ${isolation}, by import and by require`, async (t) => {
		const server = await startTestServer(t, {
			files: { ...kindFiles(), ...LOADERS, "plugins.yaml": `defaults: { isolation: ${isolation} }` } as Record<
				string,
				string
			>,
		});
		for (const flavour of ["imports", "requires"] as const) {
			const { body } = await server.execute(flavour);
			const text = body.content?.[0]?.text ?? JSON.stringify([body, await server.module(`mcps/${flavour}`)]);
			assert.deepEqual(JSON.parse(text), EXPECTED[flavour]);
		}
	});
}
