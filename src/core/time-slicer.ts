/**
 * Runs long computations on the main thread in slices, one slice per turn of the event loop, fairly in turn.
 *
 * There is one slicer for all of them: a hundred computations that each kept to two milliseconds on their own would
 * still hold the loop for two hundred, because Node runs every immediate that is due before it looks at a socket again.
 */
export interface Slicer {
	/**
	 * @param urgent goes before what is already waiting, and has a first slice at once, one such job a turn; for what a
	 *     scrape waits for, which would otherwise wait for a slice of others too
	 */
	run<Result>(job: Generator<undefined, Result>, options?: { readonly urgent?: boolean }): Promise<Result>;
}

/** @param budgetMs how long a slice lasts before it yields; a job's own steps are far shorter */
export function createSlicer(budgetMs: number = SLICE_MS): Slicer {
	const waiting: Task[] = [];
	let scheduled = false;
	/** Whether an urgent job has had a slice at once since the last turn of the event loop. */
	let wasUrgent = false;

	return {
		run(job, options) {
			return new Promise((resolve, reject) => {
				const task: Task = {
					isUrgent: options?.urgent === true,
					step() {
						try {
							const { done, value } = job.next();
							if (done === true) resolve(value);
							return done === true;
						} catch (error) {
							reject(error);
							return true;
						}
					},
				};
				if (task.isUrgent && runAtOnce(task)) return;
				enqueue(task);
				schedule();
			});
		},
	};

	function enqueue(task: Task): void {
		if (task.isUrgent) waiting.unshift(task);
		else waiting.push(task);
	}

	function runAtOnce(task: Task): boolean {
		if (wasUrgent) return false;
		wasUrgent = true;
		setImmediate(() => {
			wasUrgent = false;
		});
		return runUntil(task, performance.now() + budgetMs);
	}

	function schedule(): void {
		if (scheduled || waiting.length === 0) return;
		scheduled = true;
		setImmediate(() => {
			scheduled = false;
			runSlice();
			schedule();
		});
	}

	function runSlice(): void {
		const end = performance.now() + budgetMs;
		for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
			if (!runUntil(task, end)) {
				enqueue(task);
				return;
			}
			if (performance.now() >= end) return;
		}
	}
}

/** A request that comes waits for the rest of one; what a slice costs besides is a look at the sockets. */
const SLICE_MS = 1;

interface Task {
	readonly isUrgent: boolean;
	/** Whether the job is done. */
	step(): boolean;
}

/** Whether the job is done. */
function runUntil(task: Task, end: number): boolean {
	while (performance.now() < end) if (task.step()) return true;
	return false;
}
