import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { BulkheadError, messageOf } from "../../core/errors.ts";
import { parsePolicy, type PluginPolicy, type PolicyProblem } from "./module-policy.ts";

/** The operator's `plugins.yaml`, read at the start and again whenever it changes. */
export interface PolicyFile {
	/** What is in force: the last version without problems. */
	policy(): PluginPolicy;
	/** Tells of each change until `close`, and at once of one since the file was read. To be called once. */
	watch(listener: PolicyListener): void;
	/** Reads the file now, without waiting for its change to be noticed. @returns what is wrong with it as it is */
	reload(): readonly PolicyProblem[];
	/** Idempotent. */
	close(): void;
}

export interface PolicyListener {
	onChange(policy: PluginPolicy): void;
	/** A changed file has problems; what was in force before stays so. */
	onInvalid(problems: readonly PolicyProblem[]): void;
}

export interface PolicyFileOptions {
	/** Absolute path. */
	readonly path: string;
	/** Whether it is an error that there is no such file. */
	readonly required: boolean;
	/** Absolute paths that no module may be granted to write. */
	readonly protectedPaths?: readonly string[];
}

/** Polled, because that also sees what a notification misses: links that are swapped, and file systems of other machines. */
const POLL_INTERVAL_MS = 1000;

/** @throws {BulkheadError} CONFIG_INVALID with every problem and its line */
export function openPolicyFile({ path, required, protectedPaths = [] }: PolicyFileOptions): PolicyFile {
	let text = read(path, required);
	const first = parsePolicy(text, protectedPaths);
	if (!first.ok) throw new BulkheadError("CONFIG_INVALID", describePolicyProblems(path, first.problems));
	let { policy } = first;
	/** Of the text that was read last. */
	let problems: readonly PolicyProblem[] = [];
	let listener: PolicyListener | undefined;

	function refuse(found: readonly PolicyProblem[]): void {
		problems = found;
		listener?.onInvalid(found);
	}

	function reload(): void {
		let changed: string;
		try {
			changed = read(path, required);
		} catch (error) {
			return refuse([{ line: 1, column: 1, path: "", message: messageOf(error) }]);
		}
		if (changed === text) return;
		text = changed;
		const parsed = parsePolicy(text, protectedPaths);
		if (!parsed.ok) return refuse(parsed.problems);
		({ policy } = parsed);
		problems = [];
		listener?.onChange(policy);
	}

	return {
		policy: () => policy,
		watch(told) {
			listener = told;
			watchFile(path, { interval: POLL_INTERVAL_MS, persistent: false }, reload);
			reload();
		},
		reload() {
			reload();
			return problems;
		},
		close: () => unwatchFile(path, reload),
	};
}

/** All problems as one text, for whoever has to correct them. */
export function describePolicyProblems(path: string, problems: readonly PolicyProblem[]): string {
	const lines = problems.map((problem) => {
		const where = problem.path === "" ? "" : `${problem.path} `;
		return `  ${path}:${problem.line}:${problem.column} ${where}${problem.message}`;
	});
	return [
		`The plugin policy has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:`,
		...lines,
	].join("\n");
}

/** @throws {BulkheadError} CONFIG_INVALID */
function read(path: string, required: boolean): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		if (!required && (cause as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw new BulkheadError(
			"CONFIG_INVALID",
			`${path} cannot be read (${messageOf(cause)}): make it readable, or change PLUGINS_FILE`,
			{
				cause,
			},
		);
	}
}
