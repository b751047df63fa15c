import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { messageOf } from "../../core/errors.ts";
import type { LastEnd } from "../../launch/launch-contract.ts";
import {
	diedByItself,
	findSuspects,
	moduleInStack,
	type GenerationPhase,
	type LiveGeneration,
} from "./crash-suspects.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import { type Isolation } from "./worker.ts";

/** A module that was probably the cause of a death of the host. */
export interface Suspect {
	readonly moduleId: string;
	/** What it was doing when the host died. */
	readonly phase: GenerationPhase;
	/** When it was suspected last, in milliseconds since the epoch. */
	readonly at: number;
	/** How often it has been suspected. */
	readonly count: number;
	/** Its code is what ran when the process aborted: no suspicion, but evidence. */
	readonly isNamed: boolean;
}

/**
 * What runs, on disk, so that a host that comes back after it has died can name the module that was the likely cause.
 *
 * One line is appended for each start, success and end of a generation, without a sync: what a process has written
 * survives its death, and only a failing machine loses it, which is no module's doing. A line cut short or destroyed is
 * skipped, the file is rewritten (aside, then renamed) before it grows past a bound, and a disk that refuses costs the
 * record and nothing else. Who is blamed is decided by how the host ended, which its supervisor has seen: a kill from
 * outside, and an end that nobody saw, accuse nobody.
 */
export interface CrashRecord {
	/** Modules suspected in the last week, the latest first. Those that were named should run in a process. */
	suspects(): readonly Suspect[];
	/** Modules that were being compiled when the host before died. */
	compiledAtDeath(): readonly string[];
	/** A module is being compiled. @returns to be called when it is not any more */
	compiling(moduleId: string): () => void;
	starting(moduleId: string, generation: number, isolation: Isolation): void;
	running(moduleId: string, generation: number, isolation: Isolation): void;
	stopped(moduleId: string, generation: number): void;
	/** The module has changed, or an operator says that it is good. */
	cleared(moduleId: string): void;
	/**
	 * The host ends in order, and mere suspicions end with it; the first step of a shutdown, so that one that is cut short
	 * accuses nobody.
	 */
	close(): void;
}

export interface CrashRecordOptions {
	/** Milliseconds since the epoch. */
	readonly now?: () => number;
	/** How the host before ended, by the word of its supervisor; undefined: nobody saw it. */
	readonly end?: LastEnd | undefined;
	/** The record cannot be kept, and why. Called once at most. */
	readonly onProblem?: (problem: string) => void;
}

export const CRASH_RECORD_FILE = "crash-record.jsonl";

/** Reads what the host before left behind, decides whom to suspect, and begins a new record. Never throws. */
export function openCrashRecord(stateDir: string, options: CrashRecordOptions = {}): CrashRecord {
	const now = options.now ?? Date.now;
	const file = path.join(stateDir, CRASH_RECORD_FILE);
	const left = readState(file);
	const compiledAtDeath = [...left.compiling];
	const state = settle(left, now(), options.end, stateDir);
	let fd: number | undefined;
	let size = 0;
	let sizeLimit = 0;
	let isClosed = false;
	let isProblemTold = false;
	rewrite();

	function note(entry: Entry): void {
		if (isClosed) return;
		apply(state, entry);
		if (fd === undefined) return;
		const line = lineOf(entry);
		if (size + line.length > sizeLimit) return rewrite();
		attempt(() => {
			size += writeSync(fd ?? -1, line);
		});
	}

	function rewrite(): void {
		attempt(() => {
			mkdirSync(stateDir, { recursive: true });
			const text = entriesOf(state).map(lineOf).join("");
			writeFileSync(`${file}.new`, text, { mode: 0o600 });
			const opened = openSync(`${file}.new`, "a");
			if (fd !== undefined) closeSync(fd);
			fd = opened;
			renameSync(`${file}.new`, file);
			size = Buffer.byteLength(text);
			sizeLimit = Math.max(LEAST_SIZE_LIMIT, size * 2);
		});
	}

	function attempt(write: () => void): void {
		try {
			write();
		} catch (error) {
			if (fd !== undefined) closeSync(fd);
			fd = undefined;
			if (isProblemTold) return;
			isProblemTold = true;
			options.onProblem?.(
				`${file} cannot be written, so a module that takes the host down will not be found out: ${messageOf(error)}`,
			);
		}
	}

	return {
		compiledAtDeath: () => compiledAtDeath,
		compiling(moduleId) {
			note({ event: "compiling", moduleId });
			return () => note({ event: "compiled", moduleId });
		},
		suspects: () => [...state.suspects.values()].toSorted((a, b) => b.at - a.at),
		starting: (moduleId, generation, isolation) =>
			note({ event: "starting", moduleId, generation, isolation, at: now() }),
		running: (moduleId, generation, isolation) =>
			note({ event: "running", moduleId, generation, isolation, at: now() }),
		stopped: (moduleId, generation) => note({ event: "stopped", moduleId, generation }),
		cleared: (moduleId) => note({ event: "cleared", moduleId }),
		close() {
			if (isClosed) return;
			state.live.clear();
			state.compiling.clear();
			for (const [id, { isNamed }] of state.suspects) if (!isNamed) state.suspects.delete(id);
			rewrite();
			isClosed = true;
			if (fd !== undefined) closeSync(fd);
			fd = undefined;
		},
	};
}

type Entry =
	| {
			readonly event: GenerationPhase;
			readonly moduleId: string;
			readonly generation: number;
			readonly isolation: Isolation;
			readonly at: number;
	  }
	| { readonly event: "stopped"; readonly moduleId: string; readonly generation: number }
	| { readonly event: "cleared" | "compiling" | "compiled"; readonly moduleId: string }
	| ({ readonly event: "suspected" } & Suspect)
	| { readonly event: "died"; readonly at: number };

interface State {
	readonly live: Map<string, LiveGeneration>;
	readonly compiling: Set<string>;
	readonly suspects: Map<string, Suspect>;
	readonly deaths: number[];
}

/** What is left of the record of the host before, with the suspects of its death. */
function settle(state: State, at: number, end: LastEnd | undefined, stateDir: string): State {
	const deaths = state.deaths.filter((death) => at - death < DEATHS_COUNT_FOR_MS).slice(-MAX_DEATHS);
	const suspects = new Map([...state.suspects].filter(([, suspect]) => at - suspect.at < SUSPECTED_FOR_MS));
	const live = [...state.live.values()];
	if (live.length > 0 && end !== undefined && diedByItself(end)) {
		deaths.push(at);
		const named = live.find(({ moduleId }) => moduleId === moduleInStack(end.stack, stateDir));
		const found = named === undefined ? findSuspects(live, deaths.length) : [named];
		for (const { moduleId, phase } of found) {
			const before = suspects.get(moduleId);
			const isNamed = named !== undefined || before?.isNamed === true;
			suspects.set(moduleId, { moduleId, phase, at, count: (before?.count ?? 0) + 1, isNamed });
		}
	}
	return { live: new Map(), compiling: new Set(), suspects, deaths };
}

function apply(state: State, entry: Entry): void {
	switch (entry.event) {
		case "starting":
		case "running": {
			const { event: phase, moduleId, generation, isolation, at } = entry;
			if (state.live.size < MAX_LIVE) {
				state.live.set(`${moduleId} ${generation}`, { moduleId, generation, isolation, phase, since: at });
			}
			return;
		}
		case "stopped":
			state.live.delete(`${entry.moduleId} ${entry.generation}`);
			return;
		case "cleared":
			state.suspects.delete(entry.moduleId);
			return;
		case "compiling":
			if (state.compiling.size < MAX_LIVE) state.compiling.add(entry.moduleId);
			return;
		case "compiled":
			state.compiling.delete(entry.moduleId);
			return;
		case "suspected": {
			const { moduleId, phase, at, count, isNamed } = entry;
			if (state.suspects.size < MAX_SUSPECTS) state.suspects.set(moduleId, { moduleId, phase, at, count, isNamed });
			return;
		}
		case "died":
			state.deaths.push(entry.at);
	}
}

function entriesOf(state: State): readonly Entry[] {
	return [
		...state.deaths.map((at): Entry => ({ event: "died", at })),
		...[...state.suspects.values()].map((suspect): Entry => ({ event: "suspected", ...suspect })),
		...[...state.compiling].map((moduleId): Entry => ({ event: "compiling", moduleId })),
		...[...state.live.values()].map(
			({ phase, since, moduleId, generation, isolation }): Entry => ({
				event: phase,
				moduleId,
				generation,
				isolation,
				at: since,
			}),
		),
	];
}

function lineOf(entry: Entry): string {
	return `${JSON.stringify(entry)}\n`;
}

function readState(file: string): State {
	const state: State = { live: new Map(), compiling: new Set(), suspects: new Map(), deaths: [] };
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch {
		return state; // the first start, or nothing that can be used
	}
	for (const line of text.slice(-MAX_READ_CHARS).split("\n")) {
		const entry = readEntry(parseJson(line));
		if (entry !== undefined) apply(state, entry);
	}
	return state;
}

function readEntry(value: unknown): Entry | undefined {
	if (!isRecord(value)) return undefined;
	const { event, moduleId, generation, isolation, phase, at, count, isNamed } = value;
	if (event === "died") return isCount(at) ? { event, at } : undefined;
	if (typeof moduleId !== "string") return undefined;
	switch (event) {
		case "starting":
		case "running":
			return isCount(generation) && (isolation === "thread" || isolation === "process") && isCount(at)
				? { event, moduleId, generation, isolation, at }
				: undefined;
		case "stopped":
			return isCount(generation) ? { event, moduleId, generation } : undefined;
		case "cleared":
		case "compiling":
		case "compiled":
			return { event, moduleId };
		case "suspected":
			return (phase === "starting" || phase === "running") && isCount(at) && isCount(count)
				? { event, moduleId, phase, at, count, isNamed: isNamed === true }
				: undefined;
		default:
			return undefined;
	}
}

function isCount(value: unknown): value is number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

const DEATHS_COUNT_FOR_MS = 60 * 60 * 1000;
const SUSPECTED_FOR_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_DEATHS = 16;
const MAX_SUSPECTS = 1000;
const MAX_LIVE = 10_000;
const LEAST_SIZE_LIMIT = 64 * 1024;
/** More than a record of `MAX_LIVE` grows to. A longer file is not ours, and its end is as good as any part. */
const MAX_READ_CHARS = 8 * 1024 * 1024;
