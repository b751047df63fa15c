import { realpathSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { LastEnd } from "../../launch/launch-contract.ts";
import type { Isolation } from "./worker.ts";

export type GenerationPhase = "starting" | "running";

/** A generation that had not ended when the host died. */
export interface LiveGeneration {
	readonly moduleId: string;
	readonly generation: number;
	readonly isolation: Isolation;
	readonly phase: GenerationPhase;
	/** When it entered the phase, in milliseconds since the epoch. */
	readonly since: number;
}

/**
 * Which modules have probably taken the host down, the likeliest first. Pure.
 *
 * Only a thread can: what runs in a process is never suspected. A module that was starting is the prime suspect, since
 * that is when its code runs for the first time, and the one that began last comes first; after those come the running
 * ones, the newest first, since what has run for long has shown that it can. Of that order as many are suspected as the
 * host has died of late: 1, 2, 4, 8, ... so that a wrong guess costs one more death and the right one is never far, while
 * a single death does not put a hundred innocent modules in processes. Up to four that were starting at once are all
 * suspected the first time.
 *
 * @param recentDeaths how often the host has died within the last hour, this time included
 */
export function findSuspects(live: readonly LiveGeneration[], recentDeaths: number): readonly LiveGeneration[] {
	const inThreads = live.filter((each) => each.isolation === "thread");
	const inPhase = (phase: GenerationPhase): readonly LiveGeneration[] =>
		inThreads.filter((each) => each.phase === phase).toSorted((a, b) => b.since - a.since);
	const starting = inPhase("starting");
	const ranking = newestOfEach([...starting, ...inPhase("running")]);
	const count = Math.max(2 ** (recentDeaths - 1), Math.min(starting.length, MOST_STARTING));
	return ranking.slice(0, count);
}

const MOST_STARTING = 4;

/**
 * Whether the process ended from within. SIGKILL is an operator, a container's limit or the kernel that ran out of memory:
 * none of them says who was the cause.
 */
export function diedByItself({ signal }: LastEnd): boolean {
	return signal === null || FATAL_SIGNALS.includes(signal);
}

const FATAL_SIGNALS = ["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP"];

/** The module whose bundle the innermost call of a stack lies in that is of any module; undefined: there is none. */
export function moduleInStack(stack: string, stateDir: string): string | undefined {
	const folders = [stateDir, realPath(stateDir)].map((folder) => path.join(folder, "modules"));
	const beginnings = folders.flatMap((folder) => [`${pathToFileURL(folder).href}/`, `${folder}/`]);
	for (const line of stack.split("\n")) {
		const at = beginnings.find((each) => line.includes(each));
		if (at === undefined) continue;
		const [, kind, name] = /^(metrics|mcps)-([^/]+)\//.exec(line.slice(line.indexOf(at) + at.length)) ?? [];
		if (kind !== undefined) return `${kind}/${decodeURIComponent(name ?? "")}`;
	}
	return undefined;
}

function newestOfEach(ranking: readonly LiveGeneration[]): readonly LiveGeneration[] {
	const seen = new Set<string>();
	return ranking.filter(({ moduleId }) => !seen.has(moduleId) && seen.add(moduleId));
}

function realPath(folder: string): string {
	try {
		return realpathSync(folder);
	} catch {
		return folder;
	}
}
