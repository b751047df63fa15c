import { stop } from "esbuild";

/**
 * The child process that esbuild works in. esbuild keeps one for the whole of this process, so all compilers share it.
 *
 * Source that is not trusted can end it: a megabyte of nested parentheses overflows its stack, which in Go cannot be
 * caught. esbuild 0.28 does not recover from that. Every later call fails until `stop()` is called, and what was running
 * when `stop()` is called never settles. Here, both end in a {@link ServiceEndedError}, and the next call starts another.
 */
export interface BuildService {
	/** Changes when the child process is replaced; esbuild contexts of an earlier one are dead. */
	generation(): number;
	/**
	 * Runs calls of esbuild's API.
	 *
	 * @throws ServiceEndedError when the child process ended meanwhile, by whatever build
	 */
	run<T>(work: () => Promise<T>): Promise<T>;
	/** Ends the child process and all that runs in it. */
	restart(reason: string): void;
	/** Ends the child process when no other compiler uses it. Idempotent. */
	release(): void;
}

export class ServiceEndedError extends Error {
	override readonly name = "ServiceEndedError";
}

export function acquireBuildService(): BuildService {
	users += 1;
	let released = false;
	return {
		generation: () => generation,
		run,
		restart,
		release() {
			if (released) return;
			released = true;
			users -= 1;
			if (users === 0) restart("no compiler uses it any more");
		},
	};
}

let users = 0;
let generation = 0;
const running = new Set<(error: ServiceEndedError) => void>();

function run<T>(work: () => Promise<T>): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	const startedIn = generation;
	running.add(reject);
	work()
		.then(resolve, (error: unknown) => {
			if (!isServiceEnd(error)) return reject(error);
			if (startedIn === generation) restart(error.message);
			reject(new ServiceEndedError(error.message));
		})
		.finally(() => running.delete(reject));
	return promise;
}

function restart(reason: string): void {
	generation += 1;
	const pending = [...running];
	running.clear();
	// Its work is done before it returns; the promise is for other platforms.
	void stop();
	for (const reject of pending) reject(new ServiceEndedError(reason));
}

/** How esbuild 0.28 says that its child process could not be started, has ended, or had ended before. */
function isServiceEnd(error: unknown): error is Error {
	return error instanceof Error && /^The service (?:was stopped|is no longer running)/.test(error.message);
}
