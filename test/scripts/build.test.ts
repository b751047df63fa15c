import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";

const ROOT = path.join(import.meta.dirname, "../..");

test("a build makes an executable dist/main.js that runs src/main.ts", async (t) => {
	const project = await createProject(t);

	assert.equal(build(project).status, 0);

	assert.equal(run(path.join(project, "dist/main.js")), "one");
	const licences = await readFile(path.join(project, "dist/workers/libraries/LICENSES.txt"), "utf8");
	for (const library of ["@modelcontextprotocol/server", "zod", "prom-client", "tdigest"]) {
		assert.match(licences, new RegExp(`^${library} \\d+\\.`, "m"), "what is bundled comes with its licence");
	}
	assert.equal((await stat(path.join(project, "dist/main.js"))).mode & 0o111, 0o111);
});

test("--if-stale builds when a source was changed, added, renamed or deleted, and only then", async (t) => {
	const project = await createProject(t);
	const source = (name: string) => path.join(project, "src", name);
	// dist/ is replaced as a whole, so a new inode is a new build.
	const buildOf = async () => (await stat(path.join(project, "dist"))).ino;
	build(project, "--if-stale");
	const first = await buildOf();

	build(project, "--if-stale");
	assert.equal(await buildOf(), first, "nothing was changed");

	await writeFile(source("text.ts"), 'export const text = "two";\n');
	build(project, "--if-stale");
	assert.equal(run(path.join(project, "dist/main.js")), "two");

	await writeFile(source("extra.ts"), "export {};\n");
	build(project, "--if-stale");
	assert.deepEqual(await compiled(project), ["extra.js", "main.js", "text.js"]);

	await rename(source("extra.ts"), source("renamed.ts"));
	build(project, "--if-stale");
	assert.deepEqual(await compiled(project), ["main.js", "renamed.js", "text.js"]);

	await rm(source("renamed.ts"));
	build(project, "--if-stale");
	assert.deepEqual(await compiled(project), ["main.js", "text.js"]);
});

test("a build that fails says where, and leaves the last good one", async (t) => {
	const project = await createProject(t);
	build(project);
	await writeFile(path.join(project, "src/text.ts"), 'export const text: number = "not a number";\n');

	const failed = build(project, "--if-stale");

	assert.equal(failed.status, 1);
	assert.match(failed.output, /src\/text\.ts\(1,14\): error TS2322/);
	assert.equal(run(path.join(project, "dist/main.js")), "one");
	assert.deepEqual(
		(await readdir(project)).filter((name) => name.startsWith(".dist")),
		[],
	);
});

test("a package without sources is taken as it is", async (t) => {
	const project = await createProject(t);
	build(project);
	await rm(path.join(project, "src"), { recursive: true });

	assert.equal(build(project, "--if-stale").status, 0);
	assert.equal(run(path.join(project, "dist/main.js")), "one");
});

const COPIED = [
	"package.json",
	"package-lock.json",
	"tsconfig.json",
	"tsconfig.build.json",
	"scripts/build.mjs",
	"scripts/bundle-workers.mjs",
	"scripts/bundle-page.mjs",
	"src/http/page/client",
	"src/http/page/view",
	"src/http/page/page.css",
	"workers",
];

/** Two sources and the real workers, under the real build script and the real compiler options. */
async function createProject(t: TestContext): Promise<string> {
	const project = await mkdtemp(path.join(tmpdir(), "bulkhead-build-"));
	t.after(() => rm(project, { recursive: true, force: true }));
	for (const file of COPIED) await cp(path.join(ROOT, file), path.join(project, file), { recursive: true });
	await symlink(path.join(ROOT, "node_modules"), path.join(project, "node_modules"));
	await mkdir(path.join(project, "src"), { recursive: true });
	await writeFile(path.join(project, "src/main.ts"), 'import { text } from "./text.ts";\n\nconsole.log(text);\n');
	await writeFile(path.join(project, "src/text.ts"), 'export const text = "one";\n');
	return project;
}

function build(project: string, ...args: string[]): { readonly status: number | null; readonly output: string } {
	const { status, stdout, stderr } = node(path.join(project, "scripts/build.mjs"), ...args);
	return { status, output: stdout + stderr };
}

function run(file: string): string {
	return node(file).stdout.trim();
}

function node(...args: string[]) {
	return spawnSync(process.execPath, args, { encoding: "utf8" });
}

async function compiled(project: string): Promise<string[]> {
	const names = await readdir(path.join(project, "dist/src"));
	return names.filter((name) => name.endsWith(".js")).toSorted();
}
