import { LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import type { CounterMode } from "../../../workers/wire/messages.ts";
import { parseDestination } from "../../../workers/network/destination.ts";
import type { SandboxLevel } from "../../../workers/sandbox/policy.ts";
import { offsetOf, place } from "../../core/checked-yaml.ts";
import { conflictOf } from "./protected-paths.ts";

/** What the operator grants to one module, and limits it to. A module never sets its own. */
export interface ModulePolicy {
	readonly enabled: boolean;
	readonly isolation: "thread" | "process";
	readonly permissions: Permissions;
	/** How tightly its worker is locked; undefined: as the variable `SANDBOX` says. */
	readonly sandbox: SandboxLevel | undefined;
	/** The environment that the module sees, by variable. */
	readonly env: Readonly<Record<string, EnvGrant>>;
	/** Undefined where the host's configuration decides. Times in milliseconds. */
	readonly memoryMb: number | undefined;
	/** The largest bundle that is compiled of the module's own files; installed packages are not in it. */
	readonly bundleMb: number | undefined;
	readonly intervalMs: number | undefined;
	readonly timeoutMs: number | undefined;
	readonly callTimeoutMs: number | undefined;
	readonly startTimeoutMs: number | undefined;
	readonly hangTimeoutMs: number | undefined;
	readonly maxSeries: number | undefined;
	readonly maxLabels: number | undefined;
	readonly maxLabelLength: number | undefined;
	/** Whether counters mirror another system's totals or count from zero in each worker; undefined: as it looks. */
	readonly counters: CounterMode | undefined;
	readonly concurrency: number | undefined;
	readonly queue: number | undefined;
}

/** Where the value of a granted variable comes from: the host's variable of that name, a file, or the policy itself. */
export type EnvGrant = { readonly from: "host" } | { readonly file: string } | { readonly value: string };

export interface Permissions {
	/** Absolute paths that may be read beside the module's own folder. */
	readonly read: readonly string[];
	/** Absolute paths that may be written, and read as well. */
	readonly write: readonly string[];
	/** All of the network, none, or where connections may lead to, each as `HOST:PORT` (see `Destination`). */
	readonly net: boolean | readonly string[];
	/** Absolute paths of unix sockets that may be connected to and listened on. */
	readonly unix: readonly string[];
	readonly childProcess: boolean;
}

/** The operator's `plugins.yaml`, checked as a whole. */
export interface PluginPolicy {
	of(moduleId: string): ModulePolicy;
	/** Module ids that the file names. */
	readonly moduleIds: readonly string[];
}

/** One thing that is wrong in the file. */
export interface PolicyProblem {
	readonly line: number;
	readonly column: number;
	/** E.g. `modules.metrics/disk.memoryMb`; empty for the file as a whole. */
	readonly path: string;
	readonly message: string;
}

export type PolicyResult =
	| { readonly ok: true; readonly policy: PluginPolicy }
	| { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** Without a file: every module runs in a thread, with the network and nothing else. */
export const DEFAULT_POLICY: PluginPolicy = createPolicy({ defaults: {}, modules: {} });

/** Bounds what an alias bomb can expand to (https://en.wikipedia.org/wiki/Billion_laughs_attack). */
const MAX_ALIASES = 100;

/**
 * Reads the text of a `plugins.yaml`. All problems together, each with its line.
 *
 * @param protectedPaths absolute paths that no module may write to: the host's own files and folders
 */
export function parsePolicy(text: string, protectedPaths: readonly string[] = []): PolicyResult {
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
	if (document.errors.length > 0) {
		return {
			ok: false,
			problems: document.errors.map(({ pos: [start], message }) => ({
				...place(lines, start),
				path: "",
				message: message.split("\n", 1)[0] ?? message,
			})),
		};
	}
	let value: unknown;
	try {
		value = document.toJS({ maxAliasCount: MAX_ALIASES });
	} catch (error) {
		return { ok: false, problems: [{ line: 1, column: 1, path: "", message: String(error) }] };
	}
	const parsed = FILE.safeParse(value ?? {});
	if (parsed.success) {
		const conflicts = writeConflicts(parsed.data, protectedPaths);
		if (conflicts.length === 0) return { ok: true, policy: createPolicy(parsed.data) };
		return {
			ok: false,
			problems: conflicts.map(({ path, message }) => ({
				...place(lines, offsetOf(document, path)),
				path: path.join("."),
				message,
			})),
		};
	}
	const problems = parsed.error.issues.flatMap((issue) => {
		const unknown = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
		return unknown.map((path) => ({
			...place(lines, offsetOf(document, path)),
			path: path.map(String).join("."),
			message:
				issue.code === "unrecognized_keys" ? "is not a setting; see docs/policy.md for those there are" : issue.message,
		}));
	});
	return { ok: false, problems };
}

/** What `sockaddr_un` holds on Linux, less the byte that ends it. */
const MAX_UNIX_PATH = 107;
const NOT_A_DESTINATION =
	'must be HOST:PORT, as in "api.example.com:443", "*.internal.example:8080", "10.0.0.0/8:5432", "[::1]:*"';

const whole = (min: number, max: number) =>
	z
		.int(`must be a whole number from ${min} to ${max}`)
		.min(min, `must be at least ${min}`)
		.max(max, `must be at most ${max}`);
const duration = whole(1, 604_800_000);
const absolutePath = z
	.string("must be an absolute path")
	.regex(/^\/[^\0]*$/, "must be an absolute path")
	.refine((path) => !path.split("/").includes(".."), "must not lead through ..");
const unixPath = absolutePath.refine((path) => Buffer.byteLength(path) <= MAX_UNIX_PATH, {
	error: `must be at most ${MAX_UNIX_PATH} bytes long, as the path of a unix socket`,
});
const destination = z
	.string(NOT_A_DESTINATION)
	.refine((text) => parseDestination(text) !== undefined, NOT_A_DESTINATION);
const variable = z
	.string("must be the name of an environment variable")
	.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable");
const NOT_A_GRANT =
	"must be a text, { file: /PATH } for what a file holds, or true for the host's variable of that name";
const envGrant = z
	.union([z.string(), z.number(), z.literal(true), z.strictObject({ file: absolutePath })], NOT_A_GRANT)
	.transform((grant): EnvGrant => {
		if (grant === true) return { from: "host" };
		return typeof grant === "object" ? grant : { value: String(grant) };
	});

const SETTINGS = z
	.strictObject({
		enabled: z.boolean(),
		isolation: z.enum(["thread", "process"], "must be thread or process"),
		sandbox: z.enum(["off", "standard", "strict"], "must be off, standard or strict"),
		permissions: z
			.strictObject({
				read: z.array(absolutePath),
				write: z.array(absolutePath),
				net: z.union([z.boolean(), z.array(destination)], { error: netProblem }),
				unix: z.array(unixPath),
				childProcess: z.boolean(),
			})
			.partial(),
		env: z.preprocess(
			(given) => (isListOfTexts(given) ? Object.fromEntries(given.map((name) => [name, true])) : given),
			z.record(variable, envGrant, "must be a list of variables, or a map of them"),
		),
		memoryMb: whole(16, 65_536),
		bundleMb: whole(1, 256),
		intervalMs: duration,
		timeoutMs: duration,
		callTimeoutMs: duration,
		startTimeoutMs: duration,
		hangTimeoutMs: duration,
		maxSeries: whole(1, 10_000_000),
		// Of both, what a worker can send at most (workers/snapshot/limits.ts).
		maxLabels: whole(1, 128),
		maxLabelLength: whole(1, 16_384),
		counters: z.enum(["absolute", "cumulative"], "must be absolute or cumulative"),
		concurrency: whole(1, 10_000),
		queue: whole(0, 1_000_000),
	})
	.partial();
type Settings = z.infer<typeof SETTINGS>;

const MODULE_ID = z
	.string()
	.regex(/^(?:metrics|mcps)\/[A-Za-z0-9._-]+$/, "must be the id of a module, metrics/NAME or mcps/NAME");
const FILE = z.strictObject({
	defaults: SETTINGS.default({}),
	modules: z
		.record(
			MODULE_ID,
			SETTINGS.nullable().transform((settings) => settings ?? {}),
		)
		.default({}),
});

function createPolicy({
	defaults,
	modules,
}: {
	readonly defaults: Settings;
	readonly modules: Readonly<Record<string, Settings>>;
}): PluginPolicy {
	const byId = new Map(Object.entries(modules).map(([id, settings]) => [id, combine(defaults, settings)]));
	const others = combine(defaults, {});
	return { of: (moduleId) => byId.get(moduleId) ?? others, moduleIds: [...byId.keys()] };
}

function combine(defaults: Settings, settings: Settings): ModulePolicy {
	const merged = { ...defaults, ...settings };
	const permissions = { ...defaults.permissions, ...settings.permissions };
	return Object.freeze({
		enabled: merged.enabled ?? true,
		isolation: merged.isolation ?? "thread",
		sandbox: merged.sandbox,
		permissions: {
			read: permissions.read ?? [],
			write: permissions.write ?? [],
			net: permissions.net ?? true,
			unix: permissions.unix ?? [],
			childProcess: permissions.childProcess ?? false,
		},
		env: merged.env ?? {},
		memoryMb: merged.memoryMb,
		bundleMb: merged.bundleMb,
		intervalMs: merged.intervalMs,
		timeoutMs: merged.timeoutMs,
		callTimeoutMs: merged.callTimeoutMs,
		startTimeoutMs: merged.startTimeoutMs,
		hangTimeoutMs: merged.hangTimeoutMs,
		maxSeries: merged.maxSeries,
		maxLabels: merged.maxLabels,
		maxLabelLength: merged.maxLabelLength,
		counters: merged.counters,
		concurrency: merged.concurrency,
		queue: merged.queue,
	});
}

interface Conflict {
	readonly path: readonly string[];
	readonly message: string;
}

function writeConflicts(
	{ defaults, modules }: z.infer<typeof FILE>,
	protectedPaths: readonly string[],
): readonly Conflict[] {
	const places: readonly (readonly [readonly string[], Settings])[] = [
		[["defaults"], defaults],
		...Object.entries(modules).map(([id, settings]) => [["modules", id], settings] as const),
	];
	return places.flatMap(([at, { permissions }]) =>
		(permissions?.write ?? []).flatMap((path) => {
			const message = conflictOf(path, protectedPaths);
			return message === undefined ? [] : [{ path: [...at, "permissions", "write"], message: `${path} ${message}` }];
		}),
	);
}

function isListOfTexts(given: unknown): given is readonly string[] {
	return Array.isArray(given) && given.every((each) => typeof each === "string");
}

/** A wrong entry of a list is told as that entry, and not as a list that is neither true nor false. */
function netProblem(issue: { readonly input?: unknown }): string {
	return Array.isArray(issue.input) ? NOT_A_DESTINATION : `must be true, false, or a list of HOST:PORT`;
}
