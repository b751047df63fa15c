import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createBuildContexts, type ModuleBuildOptions } from "../../../src/host/compile/esbuild-contexts.ts";
import { acquireBuildService, ServiceEndedError } from "../../../src/host/compile/esbuild-service.ts";
import { createModuleProject } from "../../support/module-project.ts";

test("a context is kept until its key changes, its process ends, or others are used more", async (t) => {
	const { build, service } = openContexts(t, 2);
	assert.equal(await build("a", "1"), 1);
	assert.equal(await build("a", "1"), 1);
	assert.equal(await build("a", "2"), 2, "another key");
	service.restart("test");
	assert.equal(await build("a", "2"), 3, "another process");
	assert.equal(await build("b", "1"), 4);
	assert.equal(await build("a", "2"), 3);
	assert.equal(await build("c", "1"), 5);
	assert.equal(await build("a", "2"), 3, "it was used after b");
	assert.equal(await build("b", "1"), 6, "b had to go");
});

test("what runs when esbuild's process is ended is told so", async (t) => {
	const { build, service } = openContexts(t, 2);
	const building = build("a", "1");
	service.restart("for a test");
	await assert.rejects(building, new ServiceEndedError("for a test"));
	assert.equal(await build("a", "1"), 2);
});

/** Builds that resolve to the number of the context that they were built in. */
function openContexts(t: TestContext, max: number) {
	const project = createModuleProject(t);
	project.write("entry.ts", "export const value = 1;");
	const options: ModuleBuildOptions = {
		entryPoints: [project.path("entry.ts")],
		outfile: join(project.dir, "out.js"),
		metafile: true,
		write: false,
	};
	const service = acquireBuildService();
	t.after(() => service.release());
	const contexts = createBuildContexts<number>(service, max);
	let made = 0;
	return {
		service,
		async build(name: string, key: string): Promise<number> {
			const context = await contexts.open(name, key, () => ({ options, attached: ++made }));
			assert.equal((await context.rebuild()).outputFiles.length, 1);
			return context.attached;
		},
	};
}
