import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type CompiledCodeDto } from "../../../workers/wire/messages.ts";
import { messageOf } from "../../core/errors.ts";
import { isRecord } from "../../../workers/wire/json.ts";

/** What V8 has made of the libraries that workers load, so that a thread is handed it and compiles nothing. */
export interface CodeCache {
	/** Of the scripts named, those that have been compiled by now; each thread gets a copy of its own. */
	of(scripts: ReadonlySet<string | undefined>): CompiledCodeDto;
	/** Idempotent. */
	close(): void;
}

const REHEARSAL_TIMEOUT_MS = 20_000;

/**
 * Has the code compiled by a thread of the host's own, which runs the libraries once (workers/warm-up.ts), posts what
 * V8 made of them and ends. No module comes near it: what a module's thread says is never code to another one. A thread
 * that starts before it is done compiles for itself.
 *
 * @param workers absolute path of the folder of the built worker entries
 */
export function createCodeCache(workers: string, onProblem: (what: string) => void): CodeCache {
	let compiled: CompiledCodeDto = {};
	// Not the host's own flags, of which some are refused to a thread.
	const warmUp = new Worker(join(workers, "warm-up.js"), { name: "warm-up", env: {}, execArgv: [] });
	warmUp.unref();
	const timer = setTimeout(() => end("it took too long"), REHEARSAL_TIMEOUT_MS);
	timer.unref();
	warmUp.once("message", (code: unknown) => {
		if (isRecord(code)) compiled = code as CompiledCodeDto;
		end();
	});
	warmUp.once("error", (error) => end(messageOf(error)));

	function end(problem?: string): void {
		clearTimeout(timer);
		void warmUp.terminate();
		if (problem !== undefined) onProblem(`modules will start more slowly, since the warm-up failed: ${problem}`);
	}

	return {
		of: (scripts) => Object.fromEntries(Object.entries(compiled).filter(([script]) => scripts.has(script))),
		close: () => end(),
	};
}
