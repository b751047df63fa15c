import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runSandboxed } from "../../support/sandbox-run.ts";

const FIXTURE = "reads-through-links.mjs";

test("a link leads nowhere that may not be read, whichever way it is followed", async (t) => {
	const { folder, outside } = makeFolders(t);
	const links = [
		["out.js", join(outside, "secret.js")],
		["folder", outside],
		["twice.js", join(folder, "out.js")],
	] as const;
	for (const [name, target] of links) symlinkSync(target, join(folder, name));
	for (const file of ["out.js", "folder/secret.js", "twice.js"]) {
		const { value, error } = await runSandboxed(FIXTURE, {
			argument: join(folder, file),
			policy: { read: [folder] },
		});
		assert.ok(value, String(error?.message));
		const { lstatSync, ...outcomes } = value as Record<string, string>;
		// A link that lies in the folder may be looked at, and nothing behind one.
		assert.equal(lstatSync === "ERR_BULKHEAD_DENIED", file.includes("/"), file);
		for (const [way, outcome] of Object.entries(outcomes)) {
			assert.match(outcome, /^ERR_BULKHEAD_DENIED$|^ERR_ACCESS_DENIED$|may not/, `${file} by ${way}`);
		}
	}
});

test("links within the folder are followed, as a ConfigMap's are", async (t) => {
	const { folder } = makeFolders(t);
	mkdirSync(join(folder, "..1"));
	writeFileSync(join(folder, "..1/value.js"), "module.exports = 'inside';");
	symlinkSync("..1", join(folder, "..data"));
	symlinkSync("..data/value.js", join(folder, "value.js"));
	const { value } = await runSandboxed(FIXTURE, { argument: join(folder, "value.js"), policy: { read: [folder] } });
	const { readFileSync, require, stream } = value as Record<string, string>;
	assert.deepEqual(
		[readFileSync, require, stream],
		["module.exports = 'inside';", "inside", "module.exports = 'inside';"],
	);
});

test("below what the operator has granted, links are the operator's", async (t) => {
	const { folder, outside } = makeFolders(t);
	symlinkSync(outside, join(folder, "data"));
	const argument = join(folder, "data/secret.js");
	const granted = { read: [folder], granted: [folder] };
	const { value } = await runSandboxed(FIXTURE, { argument, policy: granted });
	assert.match((value as Record<string, string>)["readFileSync"] ?? "", /SECRET/);
	const around = `${folder}/../${folder.split("/").at(-1)}/data/secret.js`;
	const denied = await runSandboxed(FIXTURE, { argument: around, policy: granted });
	assert.equal((denied.value as Record<string, string>)["readFileSync"], "ERR_BULKHEAD_DENIED");
});

function makeFolders(t: TestContext): { readonly folder: string; readonly outside: string } {
	const home = realpathSync(mkdtempSync(join(tmpdir(), "bulkhead-links-")));
	t.after(() => rmSync(home, { recursive: true }));
	const [folder, outside] = [join(home, "module"), join(home, "outside")];
	for (const each of [folder, outside]) mkdirSync(each);
	writeFileSync(join(outside, "secret.js"), "module.exports = 'SECRET';");
	return { folder, outside };
}
