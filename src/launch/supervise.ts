import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import {
	EXIT_CODES,
	LAST_END_ENV,
	type LastEnd,
	LOG_FD_ENV,
	RESTARTS_ENV,
	type RestartCounts,
} from "./launch-contract.ts";

export interface HostLaunch {
	/** The Node binary that runs the host. */
	readonly runtime: string;
	/** Node's flags and the path of the host's entry. */
	readonly args: readonly string[];
	readonly env: NodeJS.ProcessEnv;
	/** What the host may take to stop: `SHUTDOWN_DELAY_MS` and `SHUTDOWN_TIMEOUT_MS` together. */
	readonly shutdownTimeoutMs: number;
	/** File descriptor that gets what the host writes to its standard output. Default: our own. */
	readonly stdout?: number;
	/** File descriptor that gets the host's log. Default: our standard error. */
	readonly log?: number;
	/** How the log is written, of which the supervisor's lines are a part. Default: for people. */
	readonly logFormat?: "json" | "pretty";
	/** Aborts to stop the host as SIGTERM does. */
	readonly until?: AbortSignal;
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** What the host gets on top of its own shutdown deadline before it is killed. */
const SHUTDOWN_GRACE_MS = 1000;
/** One Ctrl-C comes from the terminal and once more from every parent that relays it, as npm and tsx do. */
const RELAYED_WITHIN_MS = 250;
const STABLE_AFTER_MS = 60_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** A restart cures none of these. 9 is Node's own: it does not know one of the flags. */
const FINAL_EXIT_CODES: readonly number[] = [
	EXIT_CODES.stopped,
	EXIT_CODES.startFailed,
	EXIT_CODES.badConfiguration,
	9,
];

/**
 * Runs the host, again after each death of its whole process, until it ends of its own accord or on a stop signal.
 *
 * @returns the exit code to end with: the host's; 128 + n if signal n killed it while it was stopping; 1 if it could not
 * be started at all. A host that the passed on signal killed, because it had no handler yet, has stopped: 0.
 */
export async function supervise(launch: HostLaunch): Promise<number> {
	const { runtime, args, env, shutdownTimeoutMs, stdout = 1, logFormat = "pretty", log = STDERR, until } = launch;
	const restarts = { signal: 0, exit: 0 };
	const stopping = new AbortController();
	let host: ChildProcess | undefined;
	let stop: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;
	for (const signal of STOP_SIGNALS) process.on(signal, onStopSignal);
	// Whether it comes from an operator or from a terminal that was closed: the host reads its configuration again.
	process.on("SIGHUP", () => host?.kill("SIGHUP"));
	until?.addEventListener("abort", () => onStopSignal("SIGTERM"), { once: true });
	// A reader of our output that is gone (`| head`) must not take the host with it.
	process.stderr.on("error", () => {});

	const say = (text: string): void => void process.stderr.write(supervisorLine(text, logFormat));
	let lastEnd: LastEnd | undefined;

	for (let deaths = 0; ; ) {
		const startedMs = performance.now();
		const end = await runHost({
			...env,
			[RESTARTS_ENV]: JSON.stringify(restarts satisfies RestartCounts),
			// Empty for the first: another supervisor's above this one is not meant.
			[LAST_END_ENV]: lastEnd === undefined ? "" : JSON.stringify(lastEnd),
		});
		lastEnd = { signal: end.signal, stack: end.stack ?? "" };
		host = undefined;

		if (stop !== undefined) return exitCodeOf(end, stop.signal);
		if (end.code !== null && FINAL_EXIT_CODES.includes(end.code)) return end.code;
		if (end.failure !== undefined && restarts.signal + restarts.exit === 0) {
			say(`${describe(end)}.`);
			return EXIT_CODES.startFailed;
		}

		restarts[end.signal === null ? "exit" : "signal"] += 1;
		deaths = deathsInARow(deaths, performance.now() - startedMs);
		const delayMs = restartDelayMs(deaths);
		say(`${describe(end)}; starting it again ${delayMs === 0 ? "at once" : `in ${delayMs / 1000} s`}.`);
		await delay(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
		if (stopping.signal.aborted) return EXIT_CODES.stopped;
	}

	async function runHost(hostEnv: NodeJS.ProcessEnv): Promise<HostEnd> {
		let cwd: string | undefined;
		try {
			// Empty, because a worker under Node's permission model may read its process's working directory. A new one each
			// time, because a dead host can have left a core file in the last.
			cwd = mkdtempSync(path.join(tmpdir(), "bulkhead-"));
			// Its log goes where it belongs by itself. What goes to its own is little, and the last of it is Node's account
			// of an abort.
			host = spawn(runtime, args, {
				cwd,
				env: { ...hostEnv, [LOG_FD_ENV]: String(LOG_FD) },
				stdio: ["pipe", stdout, "pipe", log],
			});
			host.stdin?.on("error", () => {});
			const words = lastWords(host.stderr);
			const [code, signal] = (await once(host, "exit")) as [number | null, NodeJS.Signals | null];
			return { code, signal, stack: stackIn(await words()) };
		} catch (error) {
			return { code: null, signal: null, failure: error instanceof Error ? error.message : String(error) };
		} finally {
			if (cwd !== undefined) rmSync(cwd, { recursive: true, force: true });
		}
	}

	function onStopSignal(signal: NodeJS.Signals): void {
		if (stop !== undefined) {
			if (signal === "SIGINT" && performance.now() - stop.atMs > RELAYED_WITHIN_MS) host?.kill("SIGKILL");
			return;
		}
		stop = { signal, atMs: performance.now() };
		stopping.abort();
		host?.kill(signal);
		setTimeout(() => {
			say(`the host did not stop within ${shutdownTimeoutMs + SHUTDOWN_GRACE_MS} ms and is killed.`);
			host?.kill("SIGKILL");
		}, shutdownTimeoutMs + SHUTDOWN_GRACE_MS).unref();
	}
}

const STDERR = 2;
const LOG_FD = 3;
const MAX_WORDS = 65_536;
const MAX_STACK = 8192;
/** What the host has started may hold its standard error open for longer than it lives. */
const LAST_WORDS_MS = 200;

/** Passes on what the host writes to its standard error. @returns what gives the last of it, once the host has ended */
function lastWords(stderr: Readable | null): () => Promise<string> {
	let words = "";
	if (stderr === null) return async () => words;
	const ended = once(stderr, "close");
	ended.catch(() => {});
	stderr.on("error", () => {});
	stderr.on("data", (chunk: Buffer) => {
		process.stderr.write(chunk);
		words = (words + chunk.toString("latin1")).slice(-MAX_WORDS);
	});
	return async () => {
		const tooLong = new AbortController();
		await Promise.race([
			ended.catch(() => {}),
			delay(LAST_WORDS_MS, undefined, { signal: tooLong.signal }).catch(() => {}),
		]);
		tooLong.abort();
		stderr.destroy();
		return words;
	};
}

/** The JavaScript calls that were under way when Node aborted, as it writes them after the native ones. */
function stackIn(words: string): string {
	const at = words.lastIndexOf(STACK_TITLE);
	return at === -1
		? ""
		: words
				.slice(at + STACK_TITLE.length)
				.trim()
				.slice(0, MAX_STACK);
}

const STACK_TITLE = "----- JavaScript stack trace -----";

/** Deaths with no stable minute between them, the one that ended `uptimeMs` included. */
export function deathsInARow(before: number, uptimeMs: number): number {
	return uptimeMs >= STABLE_AFTER_MS ? 1 : before + 1;
}

/**
 * How long to wait before the host is started again: not at all after the first death, then 1 s, doubled each time, 30 s at
 * most.
 *
 * @param deaths in a row, at least 1
 */
export function restartDelayMs(deaths: number): number {
	return deaths === 1 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (deaths - 2), LONGEST_DELAY_MS);
}

/** How the host's process ended; `failure` says why it never began. */
interface HostEnd {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly failure?: string;
	readonly stack?: string;
}

function exitCodeOf({ code, signal }: HostEnd, stopSignal: NodeJS.Signals): number {
	if (signal === null) return code ?? EXIT_CODES.stopped;
	return signal === stopSignal ? EXIT_CODES.stopped : 128 + constants.signals[signal];
}

function describe({ code, signal, failure }: HostEnd): string {
	if (failure !== undefined) return `the host could not be started (${failure})`;
	return signal === null ? `the host ended with exit code ${code}` : `the host was killed by ${signal}`;
}

/** One line, of the form that the host's own lines have: a log of JSON must be JSON throughout. */
function supervisorLine(text: string, format: "json" | "pretty"): string {
	if (format === "pretty") return `bulkhead: ${text}\n`;
	const line = { level: "warn", time: new Date().toISOString(), mcp_event: "supervisor", msg: text };
	return `${JSON.stringify(line)}\n`;
}
