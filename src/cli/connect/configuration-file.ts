import { copyFileSync, mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import { messageOf } from "../../core/errors.ts";
import { CommandFailure } from "../host/failure.ts";

type Entry = Readonly<Record<string, unknown>>;

/** Its text; empty when there is no such file. @throws {CommandFailure} when it cannot be read */
export function readConfiguration(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw new CommandFailure(`${file} cannot be read (${messageOf(cause)})`, 1, { cause });
	}
}

/** @returns `before` itself when the entry is there already. @throws {CommandFailure} when it is not the JSON of a client */
export function mergeIntoJson(file: string, before: string, section: string, name: string, entry: Entry): string {
	const whole: unknown = before.trim() === "" ? {} : parseJson(before.replace(/^\uFEFF/, ""));
	const servers = isRecord(whole) ? (whole[section] ?? {}) : undefined;
	if (!isRecord(whole) || !isRecord(servers)) {
		const wanted = JSON.stringify({ [section]: { [name]: entry } }, null, 2);
		throw new CommandFailure(
			`${file} is not plain JSON with ${section} (a comment?), and stays as it is: add\n${wanted}\n`,
		);
	}
	if (JSON.stringify(servers[name]) === JSON.stringify(entry)) return before;
	const indent = /^([ \t]+)"/m.exec(before)?.[1] ?? "  ";
	return `${JSON.stringify({ ...whole, [section]: { ...servers, [name]: entry } }, null, indent)}\n`;
}

/** Puts the table at the end, in place of the one of that name; all else stays as it was written. */
export function mergeIntoToml(before: string, section: string, name: string, entry: Entry): string {
	const key = /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
	const table = `${section}.${key}`;
	let isOurs = false;
	const kept = before.split("\n").filter((line) => {
		const [, header] = /^\s*\[+\s*([^\]]+?)\s*\]+/.exec(line) ?? [];
		if (header !== undefined) isOurs = header === table || header.startsWith(`${table}.`);
		return !isOurs;
	});
	const others = kept.join("\n").trimEnd();
	const lines = Object.entries(entry).map(([field, value]) => `${field} = ${JSON.stringify(value)}`);
	const after = `${others === "" ? "" : `${others}\n\n`}[${table}]\n${lines.join("\n")}\n`;
	return after.trim() === before.trim() ? before : after;
}

/**
 * Writes the file as a whole, and keeps what it was beside it. A link to a file stays one.
 *
 * @returns the copy of what it was; undefined where there was nothing
 */
export function writeConfiguration(file: string, before: string, after: string): string | undefined {
	try {
		mkdirSync(path.dirname(file), { recursive: true });
		if (before === "") {
			writeFileSync(file, after, { mode: 0o600 });
			return undefined;
		}
		const real = realpathSync(file);
		const backup = `${real}.${new Date().toISOString().replace(/[:.]/g, "-")}.backup`;
		copyFileSync(real, backup);
		const staged = `${real}.${process.pid}.new`;
		writeFileSync(staged, after, { mode: statSync(real).mode & 0o777 });
		renameSync(staged, real);
		return backup;
	} catch (cause) {
		throw new CommandFailure(`${file} cannot be written (${messageOf(cause)})`, 1, { cause });
	}
}
