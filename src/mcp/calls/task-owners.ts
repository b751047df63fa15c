import { CLIENT_CAPABILITIES_META_KEY, MissingRequiredClientCapabilityError } from "@modelcontextprotocol/server";
import { TASKS_EXTENSION } from "../../../workers/wire/messages.ts";
import { isRecord } from "../../../workers/wire/json.ts";

/** The requests of the tasks extension (SEP-2663). Tasks live in the module that has created them. */
export const TASK_METHODS = ["tasks/get", "tasks/update", "tasks/cancel"] as const;
export type TaskMethod = (typeof TASK_METHODS)[number];

/** Which module has created which task, and for whom. */
export interface TaskOwners {
	/** @returns false when another module has a task with this id */
	add(taskId: string, moduleId: string, client: string | undefined): boolean;
	/** @param client who asks; a task that was created for somebody else is not there */
	owner(taskId: string, client: string | undefined): string | undefined;
	/** The module is gone, and with it its tasks. */
	remove(moduleId: string): void;
}

/** @param maxPerModule tasks that a module may have at a time; one more, and its oldest is not found any more */
export function createTaskOwners(maxPerModule = MAX_TASKS_PER_MODULE): TaskOwners {
	const tasks = new Map<string, { readonly moduleId: string; readonly client: string | undefined }>();
	/** The oldest first. */
	const byModule = new Map<string, Set<string>>();
	return {
		add(taskId, moduleId, client) {
			const known = tasks.get(taskId);
			if (known !== undefined && known.moduleId !== moduleId) return false;
			tasks.set(taskId, { moduleId, client });
			const own = byModule.get(moduleId) ?? new Set();
			byModule.set(moduleId, own.add(taskId));
			const [oldest] = own;
			if (own.size > maxPerModule && oldest !== undefined) {
				own.delete(oldest);
				tasks.delete(oldest);
			}
			return true;
		},
		owner(taskId, client) {
			const task = tasks.get(taskId);
			return task !== undefined && task.client === client ? task.moduleId : undefined;
		},
		remove(moduleId) {
			for (const taskId of byModule.get(moduleId) ?? []) tasks.delete(taskId);
			byModule.delete(moduleId);
		},
	};
}

/** @param meta a request's `_meta` or envelope. @throws {MissingRequiredClientCapabilityError} */
export function requireTasks(meta: unknown): void {
	const capabilities = isRecord(meta) ? meta[CLIENT_CAPABILITIES_META_KEY] : undefined;
	const extensions = isRecord(capabilities) ? capabilities["extensions"] : undefined;
	if (isRecord(extensions) && extensions[TASKS_EXTENSION] !== undefined) return;
	throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
}

const MAX_TASKS_PER_MODULE = 1000;
