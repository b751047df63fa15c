import type { LogFields, Logger } from "./logger.ts";

/** The last lines of each module, and those that come, for whoever looks at one module. */
export interface ModuleLog {
	/** The last lines of a module, the oldest first; `count` of them at most. */
	last(id: string, count: number): readonly ModuleLine[];
	/** @param onLine must not throw. @returns stops it */
	follow(id: string, onLine: (line: ModuleLine) => void): () => void;
	/** What is kept of a module that is gone. */
	forget(id: string): void;
}

export interface ModuleLine {
	/** ISO 8601, UTC. */
	readonly time: string;
	readonly level: "info" | "warn" | "error";
	/** Cut at `MAX_LINE_LENGTH`. */
	readonly message: string;
}

export const MAX_KEPT_LINES = 1000;
/** UTF-16 units of the lines that are kept of one module. */
const MAX_KEPT_LENGTH = 262_144;
const MAX_LINE_LENGTH = 8192;
/** Modules that are gone may still have a word to say: what is kept of them is not for ever. */
const MAX_MODULES = 2000;

/**
 * A logger that passes everything on, and keeps what is about a module: lines with a field `module`. Not `debug` lines.
 *
 */
export function createModuleLog(log: Logger): { readonly log: Logger; readonly modules: ModuleLog } {
	const kept = new Map<string, { lines: ModuleLine[]; length: number }>();
	const followers = new Map<string, Set<(line: ModuleLine) => void>>();

	function keep(id: string, line: ModuleLine): void {
		let module = kept.get(id);
		if (module === undefined) {
			const [oldest] = kept.keys();
			if (kept.size >= MAX_MODULES && oldest !== undefined) kept.delete(oldest);
			module = { lines: [], length: 0 };
			kept.set(id, module);
		}
		module.lines.push(line);
		module.length += line.message.length;
		// In one go when there is twice as much as is kept: to shift an array is work for each of its lines.
		if (module.lines.length > 2 * MAX_KEPT_LINES || module.length > 2 * MAX_KEPT_LENGTH) trim(module);
		for (const onLine of followers.get(id) ?? []) onLine(line);
	}

	function recording(target: Logger, inherited: string | undefined): Logger {
		const at =
			(level: ModuleLine["level"]) =>
			(message: string, fields?: LogFields): void => {
				target[level](message, fields);
				const id = fields?.["module"] ?? inherited;
				if (typeof id !== "string") return;
				keep(id, { time: new Date().toISOString(), level, message: message.slice(0, MAX_LINE_LENGTH) });
			};
		return {
			debug: (message, fields) => target.debug(message, fields),
			info: at("info"),
			warn: at("warn"),
			error: at("error"),
			child(fields) {
				const id = fields["module"];
				return recording(target.child(fields), typeof id === "string" ? id : inherited);
			},
		};
	}

	return {
		log: recording(log, undefined),
		modules: {
			last: (id, count) => (count === 0 ? [] : (kept.get(id)?.lines.slice(-Math.min(count, MAX_KEPT_LINES)) ?? [])),
			follow(id, onLine) {
				const all = followers.get(id) ?? new Set();
				followers.set(id, all.add(onLine));
				return () => {
					all.delete(onLine);
					if (all.size === 0 && followers.get(id) === all) followers.delete(id);
				};
			},
			forget: (id) => void kept.delete(id),
		},
	};
}

function trim(module: { lines: ModuleLine[]; length: number }): void {
	let length = 0;
	let from = module.lines.length;
	while (from > 0 && module.lines.length - from < MAX_KEPT_LINES) {
		const next = length + (module.lines[from - 1]?.message.length ?? 0);
		if (next > MAX_KEPT_LENGTH) break;
		length = next;
		from -= 1;
	}
	module.lines = module.lines.slice(from);
	module.length = length;
}
