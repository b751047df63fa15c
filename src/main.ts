/**
 * Where Bulkhead starts: the supervisor, which runs the host (server.ts) as its child, because some of what the host
 * needs can only be given to a process from outside. Runs on Node 18 and later and needs nothing but Node.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { startsHost } from "./launch/command.ts";
import {
	DEFAULT_SHUTDOWN_TIMEOUT_MS,
	EXIT_CODES,
	HOST_FLAGS,
	MAX_DURATION_MS,
	START_DIR_ENV,
} from "./launch/launch-contract.ts";
import { type HostLaunch, supervise } from "./launch/supervise.ts";

/** As `engines` in package.json says. */
const OLDEST_NODE = 24;

/** Enough that a worker which blocks some threads of libuv's pool leaves the host's files and DNS the others. */
const LEAST_POOL_THREADS = 16;

/**
 * The value that glibc begins with. Given to it, it stays: glibc otherwise raises it, and with it the size from which on it
 * asks the system for memory, with the largest buffer that was ever freed, and threads that come and go leave holes that
 * are never given back.
 */
const TRIM_THRESHOLD_BYTES = "131072";

const startDir = process.cwd();
process.exitCode = await run();

/** @returns the exit code */
async function run(): Promise<number> {
	const runtime = findRuntime();
	if (runtime === undefined) {
		process.stderr.write(
			`bulkhead: Node ${OLDEST_NODE} or newer is needed and this is ${process.version}: ` +
				"install it from https://nodejs.org, or as a package with `npm install node@26`.\n",
		);
		return EXIT_CODES.startFailed;
	}
	const launch: HostLaunch = {
		runtime,
		args: [...HOST_FLAGS, ...tsxFlags(), fileURLToPath(new URL(`./server${extension()}`, import.meta.url))],
		env: {
			...process.env,
			[START_DIR_ENV]: startDir,
			MALLOC_TRIM_THRESHOLD_: process.env["MALLOC_TRIM_THRESHOLD_"] ?? TRIM_THRESHOLD_BYTES,
			UV_THREADPOOL_SIZE: String(Math.max(Number(process.env["UV_THREADPOOL_SIZE"]) || 0, LEAST_POOL_THREADS)),
		},
		shutdownTimeoutMs:
			readDurationMs("SHUTDOWN_DELAY_MS", 0) + readDurationMs("SHUTDOWN_TIMEOUT_MS", DEFAULT_SHUTDOWN_TIMEOUT_MS),
		logFormat: readLogFormat(),
	};
	if (startsHost(process.argv.slice(2))) return supervise(launch);
	if (runtime !== process.execPath) return rerun(runtime);
	return runCommand(launch);
}

async function runCommand(launch: HostLaunch): Promise<number> {
	const imported = await import("./cli/run-cli.ts").catch((error: unknown) => {
		if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
		throw error;
	});
	if (imported === undefined) {
		process.stderr.write("bulkhead: its packages are not installed: run `npm ci`, or install bulkhead-host anew.\n");
		return EXIT_CODES.startFailed;
	}
	return imported.runCli(process.argv.slice(2), {
		main: fileURLToPath(import.meta.url),
		runHost: ({ env, ...options }) => supervise({ ...launch, env: { ...launch.env, ...env }, ...options }),
	});
}

/** The same command under another Node, which has our standard input and output to itself. */
async function rerun(runtime: string): Promise<number> {
	const args = [...tsxFlags(), fileURLToPath(import.meta.url), ...process.argv.slice(2)];
	const child = spawn(runtime, args, { stdio: "inherit" });
	for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
	const [code] = (await once(child, "exit")) as [number | null];
	return code ?? EXIT_CODES.uncaught;
}

/** This Node if it is new enough, else the one that the package `node` has installed. */
function findRuntime(): string | undefined {
	if (isNewEnough(process.versions.node)) return process.execPath;
	try {
		const packageFile = createRequire(import.meta.url).resolve("node/package.json");
		const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
		const binary = path.join(path.dirname(packageFile), "bin/node");
		// The package fetches its binary when it is installed, unless install scripts are off.
		return isNewEnough(version) && existsSync(binary) ? binary : undefined;
	} catch {
		return undefined;
	}
}

function isNewEnough(version: string): boolean {
	return Number.parseInt(version, 10) >= OLDEST_NODE;
}

/** In development the host runs from its sources, as we do, and under tsx if we run under it. */
function extension(): string {
	return path.extname(fileURLToPath(import.meta.url));
}

function tsxFlags(): string[] {
	if (extension() === ".js" || !process.execArgv.some((flag) => /\btsx\b/.test(flag))) return [];
	// Resolved from here: the host's working directory is one where nothing is found.
	return ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href];
}

/** The host reports what is wrong with the value (config.ts); here whatever is no number counts as not set. */
function readDurationMs(name: string, unset: number): number {
	const text = process.env[name] ?? readDotenv(name, "\\d+") ?? "";
	return /^\d+$/.test(text) ? Math.min(Number(text), MAX_DURATION_MS) : unset;
}

/** As the host's (config.ts), whose log our lines are a part of. */
function readLogFormat(): "json" | "pretty" {
	const text = process.env["LOG_FORMAT"] || readDotenv("LOG_FORMAT", "\\w+");
	if (text === "json" || text === "pretty") return text;
	return process.stderr.isTTY ? "pretty" : "json";
}

/** A value of this pattern from `.env`; the last of several counts, as in dotenv. Not `util.parseEnv`, which Node 18 lacks. */
function readDotenv(name: string, pattern: string): string | undefined {
	const file = path.join(startDir, ".env");
	if (!existsSync(file)) return undefined;
	const lines = new RegExp(`^\\s*(?:export\\s+)?${name}\\s*[=:]\\s*["'\`]?(${pattern})`, "gm");
	return [...readFileSync(file, "utf8").matchAll(lines)].at(-1)?.[1];
}
