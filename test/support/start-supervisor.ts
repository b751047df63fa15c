import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Options {
	readonly env?: Record<string, string>;
	readonly dotenv?: string;
	/** The command that runs the supervisor's entry. */
	readonly node?: readonly string[];
	/** Run what tsc makes of the supervisor, as it ships, and not its source. */
	readonly built?: boolean;
	/** Whether the project's packages are installed. */
	readonly packages?: boolean;
	readonly prepare?: (dir: string) => void;
}

export interface Report {
	readonly node: string;
	readonly execArgv: string[];
	readonly entry: string;
	readonly cwd: string;
	readonly files: string[];
	readonly env: Record<string, string>;
	readonly ipc: boolean;
}

const FIXTURES = path.join(ROOT, "test/fixtures/supervisor");
const DEADLINE_MS = 20_000;

/**
 * Starts the real supervisor, in a package made for the test whose `server` is a fixture. Nothing is installed there unless
 * asked for, so it also shows that the supervisor needs nothing.
 */
export function startSupervisor(t: TestContext, fixture: string, options: Options = {}) {
	const dir = realpathSync(mkdtempSync(path.join(tmpdir(), "bulkhead-main-")));
	t.after(() => rmSync(dir, { recursive: true }));
	writeFileSync(path.join(dir, "package.json"), '{"type":"module"}');
	if (options.packages === true) symlinkSync(path.join(ROOT, "node_modules"), path.join(dir, "node_modules"));
	options.prepare?.(dir);
	const entry = options.built === true ? build(dir) : copySources(dir);
	cpSync(path.join(FIXTURES, `${fixture}.js`), path.join(path.dirname(entry), `server${path.extname(entry)}`));
	const startDir = path.join(dir, "start");
	mkdirSync(startDir);
	if (options.dotenv !== undefined) writeFileSync(path.join(startDir, ".env"), options.dotenv);

	const [command, ...args] = options.node ?? [process.execPath];
	assert.ok(command);
	const child = spawn(command, [...args, entry], {
		cwd: startDir,
		env: { PATH: process.env["PATH"], TMPDIR: dir, LOG_FORMAT: "pretty", ...options.env },
		stdio: ["ignore", "pipe", "pipe"],
		timeout: DEADLINE_MS,
		killSignal: "SIGKILL",
	});
	t.after(() => child.kill("SIGKILL"));
	const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
	const streamsEnded = once(child, "close");
	const stdout = collect(child.stdout);
	const stderr = collect(child.stderr);
	return {
		dir,
		startDir,
		stdout: stdout.text,
		stderr: stderr.text,
		printed: stdout.has,
		said: stderr.has,
		report: () => JSON.parse(stdout.text()) as Report,
		kill: (signal: NodeJS.Signals) => assert.ok(child.kill(signal)),
		hostPid: () => Number(/^ready (\d+)$/m.exec(stdout.text())?.[1]),
		closeStderr: () => child.stderr.destroy(),
		async exitCode() {
			const [code, signal] = await exited;
			await streamsEnded;
			assert.equal(signal, null, stderr.text());
			return code;
		},
	};
}

/** What a stream has said so far, and a wait until it has said something. */
function collect(stream: NodeJS.ReadableStream) {
	let text = "";
	stream.setEncoding("utf8");
	stream.on("data", (chunk: string) => {
		text += chunk;
	});
	return {
		text: () => text,
		async has(wanted: RegExp) {
			const signal = AbortSignal.timeout(DEADLINE_MS);
			while (!wanted.test(text)) await once(stream, "data", { signal });
		},
	};
}

/** @returns the supervisor's entry */
function copySources(dir: string): string {
	for (const part of ["main.ts", "launch"])
		cpSync(path.join(ROOT, "src", part), path.join(dir, "src", part), { recursive: true });
	return path.join(dir, "src/main.ts");
}

/** The same from the compiler that makes what ships, with its settings. */
function build(dir: string): string {
	const config = {
		extends: path.join(ROOT, "tsconfig.build.json"),
		compilerOptions: { outDir: path.join(dir, "dist"), typeRoots: [path.join(ROOT, "node_modules/@types")] },
		include: [],
		files: [path.join(ROOT, "src/main.ts")],
	};
	writeFileSync(path.join(dir, "tsconfig.json"), JSON.stringify(config));
	execFileSync(path.join(ROOT, "node_modules/.bin/tsc"), ["--project", dir], { stdio: "inherit" });
	return path.join(dir, "dist/src/main.js");
}
