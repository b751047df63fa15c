/**
 * The time in which the host starts: requests that come then wait for modules that have not had their first start, since a
 * client that is told of an empty list, or of a tool that is not there, takes it for final. Each waits for so long at the most;
 * a module that fails to start is waited for no longer.
 */
export interface Startup {
	/** Resolves when all that was there when the host was started is in the lists, or at once when its time is over. */
	listed(): Promise<void>;
	/** Resolves when the host has found the module. */
	found(moduleId: string): Promise<void>;
	/** Resolves when every module has started once or has failed to. */
	settled(): Promise<void>;
	/** Whether every module has had its first start: nothing is waited for any more. */
	isOver(): boolean;
	/** A module is there. */
	added(moduleId: string): void;
	/** It has started, has failed to, or will not. */
	tried(moduleId: string): void;
	/** All modules that there are have been added. */
	discovered(): void;
	/** Every module has been tried. */
	over(): void;
}

export interface StartupOptions {
	/** Whether it is known from the last run of the host what a module offers. */
	readonly isKept: (moduleId: string) => boolean;
	readonly waitMs?: number;
}

export function createStartup({ isKept, waitMs = STARTUP_WAIT_MS }: StartupOptions): Startup {
	const present = new Set<string>();
	const untried = new Set<string>();
	const waiting = new Set<{ readonly isDone: () => boolean; readonly resolve: () => void }>();
	let isDiscovered = false;
	let isOver = false;

	const isSettled = (): boolean => isOver;
	const isListed = (): boolean => isOver || (isDiscovered && ![...untried].some((moduleId) => !isKept(moduleId)));

	function wake(): void {
		for (const waiter of waiting) if (waiter.isDone()) waiter.resolve();
	}

	function until(isDone: () => boolean): Promise<void> {
		if (isDone()) return Promise.resolve();
		return new Promise((resolve) => {
			const waiter = {
				isDone,
				resolve() {
					clearTimeout(timer);
					waiting.delete(waiter);
					resolve();
				},
			};
			const timer = setTimeout(waiter.resolve, waitMs);
			waiting.add(waiter);
		});
	}

	return {
		listed: () => until(isListed),
		settled: () => until(isSettled),
		isOver: isSettled,
		found: (moduleId) => until(() => isDiscovered || isOver || present.has(moduleId)),
		added(moduleId) {
			if (isOver) return;
			present.add(moduleId);
			untried.add(moduleId);
			wake();
		},
		tried(moduleId) {
			if (untried.delete(moduleId)) wake();
		},
		discovered() {
			isDiscovered = true;
			wake();
		},
		over() {
			isOver = true;
			present.clear();
			untried.clear();
			wake();
		},
	};
}

/** Less than the time that clients give a request. */
const STARTUP_WAIT_MS = 5000;
