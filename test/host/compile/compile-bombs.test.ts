import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createModuleProject, createTestCompiler } from "../../support/module-project.ts";
import { until } from "../../support/until.ts";

const ENUM = `enum E { a0 = 'xxxxxxxxxxxxxxxx',\n${Array.from({ length: 26 }, (_, i) => ` a${i + 1} = a${i} + a${i},`).join("\n")}\n}\nexport const v = E.a26;`;
/** Each quotes the whole line. */
const WARNINGS = `export const v = [${"typeof y == 'foo',".repeat(9000)}];`;

test("what takes too much memory to compile costs itself alone", { skip: process.platform !== "linux" }, async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/bomb.ts", ENUM);
	for (const index of [1, 2, 3, 4]) project.write(`metrics/good-${index}.ts`, `export const value = ${index};`);
	const compiler = createTestCompiler(t, project, { memoryBytes: 256 * 1024 ** 2 });
	const before = process.memoryUsage().rss;
	const [problems] = await Promise.all([
		compiler.problems("bomb.ts"),
		...[1, 2, 3, 4].map((index) => compiler.ok(`good-${index}.ts`)),
	]);
	assert.match(problems[0]?.message ?? "", /^It takes more memory to compile than there is/);
	// It is known by now: nobody else is disturbed.
	const again = compiler.problems("bomb.ts");
	await compiler.ok("good-1.ts");
	await again;
	assert.ok(process.memoryUsage().rss - before < 128 * 1024 ** 2, "nothing of it is in this process");
});

test("more warnings than there is memory for are left out, and the module compiles", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/careless.ts", WARNINGS);
	const compiled = await createTestCompiler(t, project, { memoryBytes: 256 * 1024 ** 2 }).ok("careless.ts");
	assert.ok(JSON.stringify(compiled.warnings).length < 50_000);
});

test("the processes for compiling come when they are needed, go when they are idle, and end with the host", {
	skip: process.platform !== "linux",
}, async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/good.ts", "export const value = 1;");
	project.write("metrics/bomb.ts", ENUM);
	const script = `
		import { createCompiler } from ${importPath("src/host/compile/compiler.ts")};
		const log = { debug() {}, info() {}, warn: console.error, error: console.error };
		const compiler = createCompiler({ stateDir: ${JSON.stringify(project.stateDir)}, log, idleMs: 100 });
		const root = ${JSON.stringify(project.folders.metrics)};
		process.on("message", async (name) => {
			const { ok } = await compiler.compile({ id: "metrics/" + name, entry: root + "/" + name + ".ts", root });
			process.send(ok);
		});
	`;
	const host = spawn(process.execPath, ["--input-type=module", "--eval", script], {
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
	t.after(() => host.kill("SIGKILL"));
	const pid = host.pid ?? 0;
	host.send("good");
	await until(() => descendantsOf(pid).length >= 2, "the compiler and esbuild have started");
	assert.deepEqual(await once(host, "message"), [true, undefined]);
	await until(() => descendantsOf(pid).length === 0, "they are gone when idle");

	host.send("bomb");
	await until(() => descendantsOf(pid).length >= 2, "they work at what takes long");
	const working = descendantsOf(pid);
	host.kill("SIGKILL");
	await once(host, "exit");
	await until(() => working.every((each) => !isAlive(each)), "nothing outlives the host");
});

/** Pids of all processes that descend from one. */
function descendantsOf(pid: number): readonly number[] {
	const children = readdirSync("/proc")
		.map(Number)
		.filter((each) => Number.isInteger(each) && statOf(each)?.parent === pid);
	return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function isAlive(pid: number): boolean {
	const stat = statOf(pid);
	return stat !== undefined && stat.state !== "Z";
}

function statOf(pid: number): { readonly state: string | undefined; readonly parent: number } | undefined {
	try {
		const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8")
			.replace(/^.*\) /s, "")
			.split(" ");
		return { state, parent: Number(parent) };
	} catch {
		return undefined;
	}
}

function importPath(file: string): string {
	return JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../..", file)).href);
}
