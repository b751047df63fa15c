import type { ModuleView, ProblemView } from "./views.ts";

/** What is wrong with a module now, in one text with its place; undefined when nothing is. What is mended is no problem. */
export function problemOf(module: ModuleView): string | undefined {
	const { load_error: load, collection, state, last_restart: last } = module;
	if (load !== null) return placed(load);
	if (collection?.error !== undefined) {
		const { problem, message } = collection.error;
		return problem === undefined ? message : placed(problem);
	}
	const isDown = state === "restarting" || state === "quarantined" || state === "failed";
	if (isDown && last !== null) return `${last.reason}: ${placed(last.problem)}`;
	const drop = collection?.drops[0];
	const entries = module.rejected_entries.length;
	if (drop !== undefined) return `samples are dropped: ${drop.family} ${drop.reason}`;
	if (entries > 0) return `left out of the lists: ${module.rejected_entries.map(({ name }) => name).join(", ")}`;
	const [conflict] = module.conflicts;
	return conflict === undefined ? undefined : `${conflict.name} belongs to ${conflict.owner}`;
}

/** `metrics/disk.ts:3:7 message` */
function placed({ file, line, column, message }: ProblemView): string {
	if (file === undefined) return message;
	const place = [file, line, column].filter((part) => part !== undefined).join(":");
	return `${place} ${message}`;
}
