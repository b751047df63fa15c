import assert from "node:assert/strict";
import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createModuleProject, createTestCompiler } from "../../support/module-project.ts";

const ID = "metrics/disk";

test("only changed code is another version", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/_helper.ts", "export const value = 1;");
	const entry = project.write("metrics/disk.ts", 'export { value } from "./_helper.ts";');
	const compiler = createTestCompiler(t, project);
	const { hash, bundlePath } = await compiler.ok("disk.ts");
	const code = readFileSync(bundlePath, "utf8");

	utimesSync(entry, 1, 1);
	assert.equal((await compiler.ok("disk.ts")).hash, hash, "touched");
	project.write("metrics/_helper.ts", "// a comment\n/** and another */\nexport const value: number = 1;\n");
	assert.equal((await compiler.ok("disk.ts")).hash, hash, "a comment and a type");
	project.write("metrics/disk.ts", '/*! A licence. */\nexport { value } from "./_helper";');
	assert.equal((await compiler.ok("disk.ts")).hash, hash, "a licence, and another way to say the same file");
	assert.equal(readFileSync(bundlePath, "utf8"), code);

	project.write("metrics/_helper.ts", "export const value = 2;");
	const changed = await compiler.ok("disk.ts");
	assert.notEqual(changed.hash, hash);
	assert.notEqual(changed.bundlePath, bundlePath);
	assert.ok(existsSync(bundlePath), "the version before it stays until it is not retained");
	project.write("metrics/_helper.ts", "export const value = 1;");
	assert.equal((await compiler.ok("disk.ts")).hash, hash, "changed back");
});

test("stack traces name the author's line, also after lines moved and the version stayed", async (t) => {
	process.setSourceMapsEnabled(true);
	t.after(() => process.setSourceMapsEnabled(false));
	const project = createModuleProject(t);
	project.write("metrics/_fail.cjs", "exports.fail = () => {\n\n\tthrow new Error('on line 3');\n};");
	const entry =
		'import helper from "./_fail.cjs";\nenum Two { Is = 2 }\nexport function run(): never {\n\treturn helper.fail(Two.Is);\n}';
	project.write("metrics/disk.ts", entry);
	const compiler = createTestCompiler(t, project);
	const placesOf = async (bundlePath: string, query: string): Promise<readonly string[]> => {
		const { run } = (await import(pathToFileURL(bundlePath).href + query)) as { run(): never };
		try {
			return run();
		} catch (error) {
			const frames = (error as Error).stack?.split("\n").slice(1, 3) ?? [];
			return frames.map((frame) => frame.replace(/^.*\((.*)\)$/, "$1"));
		}
	};
	const helper = project.path("metrics/_fail.cjs");
	const disk = project.path("metrics/disk.ts");
	const before = await compiler.ok("disk.ts");
	assert.deepEqual(await placesOf(before.bundlePath, ""), [`${helper}:3:8`, `${disk}:4:16`]);

	project.write("metrics/disk.ts", `// one line more\n${entry}`);
	const after = await compiler.ok("disk.ts");
	assert.equal(after.hash, before.hash);
	// As when a worker is started again: Node keeps the map that it has read.
	assert.deepEqual(await placesOf(after.bundlePath, "?again"), [`${helper}:3:8`, `${disk}:5:16`]);
});

test("versions that are not retained are deleted, and so is what an earlier process left", async (t) => {
	const project = createModuleProject(t);
	const folder = join(project.stateDir, "modules/metrics-disk");
	project.write("state/modules/metrics-disk/0123.mjs", "old");
	project.write("state/modules/metrics-disk/0123.mjs.map.x.tmp", "half");
	project.write("state/modules/metrics-gone/0123.mjs", "old");
	project.write("state/modules/somebody-elses/file", "theirs");
	const compiler = createTestCompiler(t, project);
	const hashes: string[] = [];
	for (const version of [1, 2, 3]) {
		project.write("metrics/disk.ts", `export const value = ${version};`);
		hashes.push((await compiler.ok("disk.ts")).hash);
	}
	const filesOf = (kept: readonly (string | undefined)[]) =>
		kept.flatMap((hash) => [`${hash}.mjs`, `${hash}.mjs.map`]).toSorted();
	const [first, , third] = hashes;

	compiler.retain(ID, [first ?? ""]);
	await compiler.restore(); // which waits for its turn
	assert.deepEqual(readdirSync(folder).toSorted(), filesOf([first, third]), "the running one and the newest");
	compiler.retain(ID, [third ?? ""]);
	await compiler.restore();
	assert.deepEqual(readdirSync(folder).toSorted(), filesOf([third]));

	await compiler.keepOnly([ID]);
	assert.deepEqual(readdirSync(join(project.stateDir, "modules")).toSorted(), ["metrics-disk", "somebody-elses"]);
	await compiler.forget(ID);
	assert.deepEqual(readdirSync(join(project.stateDir, "modules")), ["somebody-elses"]);
});

test("the state folder may be deleted at any time", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/disk.ts", "export const value = 1;");
	const compiler = createTestCompiler(t, project);
	const running = await compiler.ok("disk.ts");
	project.write("metrics/disk.ts", "export const value = 2;");
	const newest = await compiler.ok("disk.ts");
	const files = [running, newest].flatMap(({ bundlePath }) => [bundlePath, `${bundlePath}.map`]);
	const texts = files.map((file) => readFileSync(file, "utf8"));
	compiler.retain(ID, [running.hash]);

	rmSync(project.stateDir, { recursive: true });
	project.write("metrics/disk.ts", "export const value = ;"); // what runs cannot be compiled again
	await compiler.problems("disk.ts");
	await compiler.restore();
	assert.deepEqual(
		files.map((file) => readFileSync(file, "utf8")),
		texts,
	);

	truncateSync(running.bundlePath, 3); // as a full disk does
	await compiler.restore("metrics/another");
	assert.notEqual(readFileSync(running.bundlePath, "utf8"), texts[0]);
	await compiler.restore(ID);
	assert.equal(readFileSync(running.bundlePath, "utf8"), texts[0]);

	rmSync(project.stateDir, { recursive: true });
	project.write("metrics/disk.ts", "export const value = 3;");
	assert.ok(existsSync((await compiler.ok("disk.ts")).bundlePath));
});

test("a state folder that cannot be written is a problem of the module, and no crash", async (t) => {
	const project = createModuleProject(t);
	writeFileSync(project.stateDir, "a file where a folder should be");
	project.write("metrics/disk.ts", "export const value = 1;");
	const compiler = createTestCompiler(t, project);
	assert.match((await compiler.problems("disk.ts"))[0]?.message ?? "", /^It cannot be compiled: .*(ENOTDIR|EEXIST)/);
	rmSync(project.stateDir);
	await compiler.ok("disk.ts");
});

test("a ConfigMap update that leaves a module's files as they were leaves its version", async (t) => {
	const project = createModuleProject(t);
	mkdirSync(project.folders.metrics);
	const update = (generation: string) => {
		project.write(
			`metrics/..${generation}/disk.ts`,
			'import helper from "./_helper.cjs";\nexport const value = [helper, import.meta.url];',
		);
		project.write(`metrics/..${generation}/_helper.cjs`, "module.exports = __dirname;");
		project.write(`metrics/..${generation}/other.ts`, `export const value = "${generation}";`);
		symlinkSync(`..${generation}`, project.path("metrics/..data_tmp"));
		renameSync(project.path("metrics/..data_tmp"), project.path("metrics/..data"));
	};
	update("2024_01");
	for (const file of ["disk.ts", "_helper.cjs", "other.ts"])
		symlinkSync(`..data/${file}`, project.path(`metrics/${file}`));
	const compiler = createTestCompiler(t, project);
	const before = await compiler.ok("disk.ts");
	const other = await compiler.ok("other.ts");
	assert.deepEqual(before.inputs, [project.path("metrics/_helper.cjs"), project.path("metrics/disk.ts")]);

	update("2024_02");
	rmSync(project.path("metrics/..2024_01"), { recursive: true });
	const after = await compiler.ok("disk.ts");
	assert.equal(after.hash, before.hash);
	assert.deepEqual(after.inputs, before.inputs);
	assert.notEqual((await compiler.ok("other.ts")).hash, other.hash);
	const { value } = (await import(pathToFileURL(after.bundlePath).href)) as { readonly value: unknown };
	assert.deepEqual(value, [project.path("metrics"), pathToFileURL(project.path("metrics/disk.ts")).href]);
});
