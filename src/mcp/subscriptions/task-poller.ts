import { addAbortListener } from "node:events";
import { ownerOf } from "../calls/call.ts";
import type { TaskInquiry } from "../calls/gateway.ts";

/**
 * Asks modules how their tasks are, one task of each module at a time: however many streams listen, a module has one of their
 * questions among its calls.
 */
export interface TaskInquiries {
	/**
	 * Those that ask about the same task for the same client, before the module has been asked, have one answer.
	 *
	 * @param signal aborts when the answer is of no use any more: rejects at once, and what the module is at goes on
	 * @throws as `getTask` does
	 */
	ask(moduleId: string, inquiry: TaskInquiry, signal: AbortSignal): Promise<Task>;
}

type Task = Readonly<Record<string, unknown>>;

export function createTaskInquiries(getTask: (inquiry: TaskInquiry) => Promise<Task>): TaskInquiries {
	/** What waits for its turn, of the modules that are being asked. */
	const lanes = new Map<string, Map<string, Asked>>();

	async function run(moduleId: string, lane: Map<string, Asked>): Promise<void> {
		await Promise.resolve(); // those that ask because of the same notice are all here then
		for (const [key, { inquiry, askers }] of lane) {
			lane.delete(key); // who asks from here on wants a later state
			try {
				const task = await getTask(inquiry);
				for (const asker of askers) asker.resolve(task);
			} catch (error) {
				for (const asker of askers) asker.reject(error);
			}
		}
		lanes.delete(moduleId);
	}

	function laneOf(moduleId: string): Map<string, Asked> {
		const known = lanes.get(moduleId);
		if (known !== undefined) return known;
		const lane = new Map<string, Asked>();
		lanes.set(moduleId, lane);
		void run(moduleId, lane);
		return lane;
	}

	return {
		async ask(moduleId, inquiry, signal) {
			const lane = laneOf(moduleId);
			const key = JSON.stringify([inquiry.taskId, ownerOf(inquiry.origin)]);
			const asked = lane.get(key) ?? { inquiry, askers: new Set() };
			lane.set(key, asked);
			const asker = Promise.withResolvers<Task>();
			asked.askers.add(asker);
			const listening = addAbortListener(signal, () => {
				asked.askers.delete(asker);
				if (asked.askers.size === 0 && lane.get(key) === asked) lane.delete(key);
				asker.reject(signal.reason);
			});
			try {
				return await asker.promise;
			} finally {
				listening[Symbol.dispose]();
			}
		},
	};
}

interface Asked {
	/** Of who has asked first. */
	readonly inquiry: TaskInquiry;
	readonly askers: Set<Pick<PromiseWithResolvers<Task>, "resolve" | "reject">>;
}
