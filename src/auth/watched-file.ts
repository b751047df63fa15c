import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { describeYamlProblems, type YamlProblem, type YamlResult } from "../core/checked-yaml.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";

/** A file that may change while the host runs: what is in force is its last version without problems. */
export interface WatchedFile<Value> {
	value(): Value;
	watch(listener: WatchedFileListener<Value>): void;
	/** Reads it now, without waiting for its change to be noticed. @returns what is wrong with it as it is */
	reload(): readonly YamlProblem[];
	/** Idempotent. */
	close(): void;
}

export interface WatchedFileListener<Value> {
	onChange(value: Value): void;
	/** What was in force before stays so. */
	onInvalid(problems: readonly YamlProblem[]): void;
}

/** Polled, because that also sees links that are swapped, as Kubernetes does for a Secret, and file systems of other machines. */
const POLL_INTERVAL_MS = 1000;

/**
 * @param variable that names the file
 * @throws {BulkheadError} CONFIG_INVALID with every problem and its line
 */
export function openWatchedFile<Value>(
	path: string,
	variable: string,
	parse: (text: string) => YamlResult<Value>,
): WatchedFile<Value> {
	let text = read(path, variable);
	const first = parse(text);
	if (!first.ok)
		throw new BulkheadError("CONFIG_INVALID", `${variable} is wrong:\n${describeYamlProblems(path, first.problems)}`);
	let { value } = first;
	let problems: readonly YamlProblem[] = [];
	let listener: WatchedFileListener<Value> | undefined;

	function refuse(found: readonly YamlProblem[]): void {
		problems = found;
		listener?.onInvalid(found);
	}

	function reload(): void {
		let changed: string;
		try {
			changed = read(path, variable);
		} catch (error) {
			text = "";
			return refuse([{ line: 1, column: 1, path: "", message: messageOf(error) }]);
		}
		if (changed === text) return;
		text = changed;
		const parsed = parse(changed);
		if (!parsed.ok) return refuse(parsed.problems);
		({ value } = parsed);
		problems = [];
		listener?.onChange(value);
	}

	return {
		value: () => value,
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

/** @throws {BulkheadError} CONFIG_INVALID */
function read(path: string, variable: string): string {
	try {
		return readFileSync(path, "utf8");
	} catch (cause) {
		const message = `${path} cannot be read (${messageOf(cause)}): make it readable, or change ${variable}`;
		throw new BulkheadError("CONFIG_INVALID", message, { cause });
	}
}
