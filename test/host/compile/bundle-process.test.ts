import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createModuleProject, createTestCompiler, type ModuleProject } from "../../support/module-project.ts";

test("a module that ends esbuild's process fails alone, and is not compiled again before it changes", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/deep.ts", "(".repeat(1_000_000));
	for (const index of [1, 2, 3]) project.write(`metrics/good-${index}.ts`, `export const value = ${index};`);
	const { output, errors, code } = await runCompiler(
		project,
		`
		import { createModuleSources } from ${importPath("src/host/sources/module-sources.ts")};
		import { until } from ${importPath("test/support/until.ts")};
		import { writeFileSync } from "node:fs";
		const events = [];
		const folders = { metrics: root, mcps: root + "-none" };
		const sources = createModuleSources({ folders, compiler, log, pollMs: 3_600_000, onEvent: (event) => events.push(event) });
		await sources.start();
		for (const value of [4, 5, 6]) {
			const before = events.length;
			writeFileSync(root + "/good-1.ts", "export const value = " + value);
			await until(() => events.length > before, "the next version");
		}
		await sources.stop();
		await compiler.stop();
		console.log(JSON.stringify(events.map(({ type, source, problems }) => [type, source.file, problems?.[0].message])));
		`,
	);
	assert.deepEqual(
		[errors.replace(/.* did not exist .*\n/, ""), code],
		["", 0],
		"what esbuild says when it ends, which is long, is kept from the host's own",
	);
	const events = JSON.parse(output) as readonly (readonly unknown[])[];
	// Which of its limits it meets first depends on the machine.
	const why = events.find(([, file]) => file === "metrics/deep.ts")?.[2];
	assert.match(
		String(why),
		/^(?:It takes more memory to compile than there is|It took longer than \d+ ms to compile|The compiler ended while it compiled)/,
	);
	assert.deepEqual(
		events.toSorted(([, a], [, b]) => (String(a) < String(b) ? -1 : 1)),
		[
			["failed", "metrics/deep.ts", why],
			...[1, 1, 1, 1, 2, 3].map((index) => ["compiled", `metrics/good-${index}.ts`, null]),
		],
	);
});

test("a compiler works without __proto__, and keeps no process alive once it is stopped", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/good.ts", "export const value = 1;");
	const { output, code } = await runCompiler(
		project,
		`
		const result = await compile("good");
		process.on("exit", () => console.log(result.ok));
		await compiler.stop();
		await compiler.stop();
		`,
	);
	assert.deepEqual([output, code], ["true\n", 0]); // the process ended by itself
});

test("a compilation that takes too long is given up, and the compiler goes on", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/slow.ts", "export const value = 1;");
	// Less than esbuild's process needs to start.
	const hasty = createTestCompiler(t, project, { timeoutMs: 1 });
	const result = await hasty.compile({
		id: "metrics/slow",
		entry: project.path("metrics/slow.ts"),
		root: project.folders.metrics,
	});
	assert.equal(result.ok, false);
	assert.match(result.problems[0]?.message ?? "", /^It took longer than 1 ms to compile/);
	assert.equal(result.retry, "never");
	await createTestCompiler(t, project).ok("slow.ts");
});

test("stopping ends what runs, and nothing starts after it", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/late.ts", "export const value = 1;");
	const compiler = createTestCompiler(t, project);
	const source = { id: "metrics/late", entry: project.path("metrics/late.ts"), root: project.folders.metrics } as const;
	const running = compiler.compile(source);
	await compiler.stop();
	const result = await running;
	assert.deepEqual(result.ok || result.problems[0]?.message, "The compiler was stopped.");
	await assert.rejects(compiler.compile(source), { code: "ILLEGAL_TRANSITION" });
});

test("one compiler that stops does not disturb another", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/good.ts", "export const value = 1;");
	const [stopping, going] = [createTestCompiler(t, project), createTestCompiler(t, project)];
	await Promise.all([stopping.ok("good.ts"), going.ok("good.ts")]);
	const compiled = going.ok("good.ts");
	await stopping.stop();
	await compiled;
	await going.ok("good.ts");
});

/** For use in a script. */
function importPath(file: string): string {
	return JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../..", file)).href);
}

/** Runs a script with a `compile(name)` and its `compiler` in a process as the host is. */
async function runCompiler(project: ModuleProject, script: string) {
	const prelude = `
		import { createCompiler } from ${importPath("src/host/compile/compiler.ts")};
		const log = { debug() {}, info() {}, warn: console.error, error: console.error };
		const compiler = createCompiler({ stateDir: ${JSON.stringify(project.stateDir)}, log });
		const root = ${JSON.stringify(project.folders.metrics)};
		const compile = (name) => compiler.compile({ id: "metrics/" + name, entry: root + "/" + name + ".ts", root });
	`;
	const flags = ["--disable-proto=delete", "--input-type=module", "--eval", prelude + script];
	const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
	const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
	return { output, errors, code: code as number | null };
}
