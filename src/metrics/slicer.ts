/**
 * Runs long computations on the main thread in slices, one slice per turn of the event loop, fairly in turn.
 *
 * There is one slicer for all of them: a hundred computations that each kept to two milliseconds on their own would
 * still hold the loop for two hundred, because Node runs every immediate that is due before it looks at a socket again.
 */
export interface Slicer {
	/** @param urgent goes before what is already waiting; for what a scrape waits for */
	run<Result>(job: Generator<undefined, Result>, options?: { readonly urgent?: boolean }): Promise<Result>;
}

/** @param budgetMs how long a slice lasts before it yields; a job's own steps are far shorter */
export function createSlicer(budgetMs: number = SLICE_MS): Slicer {
	const waiting: Task[] = [];
	let scheduled = false;

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
				enqueue(task);
				schedule();
			});
		},
	};

	function enqueue(task: Task): void {
		if (task.isUrgent) waiting.unshift(task);
		else waiting.push(task);
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
			let isDone = false;
			while (!isDone && performance.now() < end) isDone = task.step();
			if (!isDone) {
				enqueue(task);
				return;
			}
			if (performance.now() >= end) return;
		}
	}
}

const SLICE_MS = 2;

interface Task {
	readonly isUrgent: boolean;
	/** Whether the job is done. */
	step(): boolean;
}
