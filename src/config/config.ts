import { readFileSync } from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { parse } from "dotenv";
import { z } from "zod";
import { SECRET_VARIABLES, schemaFor, type Variables } from "./schema.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";
import {
	LAST_END_ENV,
	type LastEnd,
	LOG_FD_ENV,
	RESTARTS_ENV,
	type RestartCounts,
	START_DIR_ENV,
} from "../launch/launch-contract.ts";
import { isLoopback, readAuthority } from "./host-header.ts";
import { similarName } from "./did-you-mean.ts";

/**
 * The whole configuration, frozen. Every variable of the schema (config-schema.ts) under its name in camelCase:
 * `COLLECT_INTERVAL_MS` is `collectIntervalMs`. Folders and files are absolute paths.
 */
export type HostConfig = {
	readonly [Name in keyof Variables as CamelCase<Name>]: Variables[Name];
};

export interface ConfigProblem {
	readonly variable: string;
	readonly value: string;
	/** What the value must be, to be read after "must be". */
	readonly allowed: string;
}

export type ConfigResult =
	/** `warnings` are sentences about what is allowed but probably not meant. */
	| { readonly ok: true; readonly config: HostConfig; readonly warnings: readonly string[] }
	| { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Variables by name. The ones that are not ours can be secrets: their values are never shown. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How this process was started. */
export interface Launch {
	/** `.env` of the start directory, and over it the environment of the process. */
	readonly env: Environment;
	/** The absolute directory that the user started in, which is not the working directory of a supervised host. */
	readonly startDir: string;
	/** Whether a supervisor started us: then standard input ends when it is gone, and so must we. */
	readonly supervised: boolean;
	/** Restarts of the host under the running supervisor. */
	readonly restarts: RestartCounts;
	/** How the host before this one ended; undefined for the first one, and without a supervisor. */
	readonly lastEnd: LastEnd | undefined;
	/** The descriptor that the log goes to. */
	readonly logFd: number;
	/** Whether that is a terminal. */
	readonly terminal: boolean;
}

/**
 * Reads the process and the `.env` file: what `loadConfig` is given when the host starts.
 *
 * @throws BulkheadError CONFIG_INVALID when there is a `.env` that cannot be read
 */
export function readLaunch(): Launch {
	const startDir = process.env[START_DIR_ENV] ?? process.cwd();
	const logFd = Number(process.env[LOG_FD_ENV] ?? STDERR);
	return {
		env: { ...readDotenv(startDir), ...process.env },
		startDir,
		supervised: process.env[START_DIR_ENV] !== undefined,
		restarts: readRestarts(process.env[RESTARTS_ENV]),
		lastEnd: readLastEnd(process.env[LAST_END_ENV]),
		logFd,
		terminal: isatty(logFd),
	};
}

/**
 * @param env variables by name; an empty one counts as not set
 * @param startDir absolute directory that relative folders and files are resolved against
 * @param terminal whether the log is read on a terminal, where its format is `pretty` unless the configuration says otherwise
 */
export function loadConfig(env: Environment, startDir: string, terminal = false): ConfigResult {
	const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ""));
	const parsed = schemaFor(startDir, terminal).safeParse(set);
	if (!parsed.success) {
		const problems = parsed.error.issues.map(({ path: [name], message }) => {
			const variable = String(name);
			const value = SECRET_VARIABLES.includes(variable) ? "(secret)" : (set[variable] ?? "(default)");
			return { variable, value, allowed: message };
		});
		return { ok: false, problems };
	}
	const entries = Object.entries(parsed.data).map(([name, value]) => [camelCase(name), value]);
	const config = Object.freeze(Object.fromEntries(entries) as HostConfig);
	return { ok: true, config, warnings: [...misspelt(set), ...doubtful(config)] };
}

/** All problems as one text, for whoever has to correct them. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
	const lines = problems.map(({ variable, value, allowed }) => `  ${variable}=${shown(value)}: must be ${allowed}`);
	return [
		`The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:`,
		...lines,
	].join("\n");
}

/** The names of all variables that the schema knows. */
export function configVariables(): readonly string[] {
	return Object.keys(schemaFor("/", false).shape);
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
	? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
	: Lowercase<Name>;

function camelCase(name: string): string {
	return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function* misspelt(set: Environment): Iterable<string> {
	const known = configVariables();
	for (const name of Object.keys(set)) {
		const meant = known.includes(name) ? undefined : similarName(name, known);
		if (meant !== undefined && set[meant] === undefined)
			yield `${name} is set, which Bulkhead does not know. Was ${meant} meant?`;
	}
}

function* doubtful(config: HostConfig): Iterable<string> {
	if (config.collectMaxAgeMs < config.collectIntervalMs)
		yield "COLLECT_MAX_AGE_MS is less than COLLECT_INTERVAL_MS: samples are dropped before the next collection.";
	if (!isLoopback(config.host) && config.publicUrl === undefined && config.allowedHosts.every(isLoopbackName))
		yield `HOST=${config.host} is open to other machines, and ALLOWED_HOSTS has loopback names alone: whoever calls this host by a name is refused with 403. Set ALLOWED_HOSTS to the names it is called by (ALLOWED_HOSTS=bulkhead.example,localhost). IP addresses and the probes are served in any case.`;
}

/** @param entry of `ALLOWED_HOSTS` */
function isLoopbackName(entry: string): boolean {
	const name = readAuthority(entry)?.name;
	return name !== undefined && isLoopback(name.replace(/^\[|\]$/g, ""));
}

/** On one line, whatever is in it, and not for ever. */
function shown(value: string): string {
	const text = /^[\x20-\x7e]*$/.test(value) ? value : JSON.stringify(value);
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function readDotenv(dir: string): Environment {
	const file = path.join(dir, ".env");
	try {
		return parse(readFileSync(file));
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
		const message = `${file} cannot be read (${messageOf(cause)}): make it readable or remove it`;
		throw new BulkheadError("CONFIG_INVALID", message, { cause });
	}
}

const STDERR = 2;
const LAST_END = z.object({ signal: z.string().nullable(), stack: z.string() });

function readLastEnd(text = ""): LastEnd | undefined {
	try {
		return LAST_END.parse(JSON.parse(text));
	} catch {
		return undefined;
	}
}

const RESTARTS = z.object({ signal: z.int().nonnegative(), exit: z.int().nonnegative() });

function readRestarts(text = "{}"): RestartCounts {
	try {
		return RESTARTS.parse(JSON.parse(text));
	} catch {
		return { signal: 0, exit: 0 };
	}
}
