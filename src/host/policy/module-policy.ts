import { isScalar, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import type { CounterMode } from "../../../workers/wire/messages.ts";

/** What the operator grants to one module, and limits it to. A module never sets its own. */
export interface ModulePolicy {
	readonly enabled: boolean;
	readonly isolation: "thread" | "process";
	readonly permissions: Permissions;
	/** Names of environment variables that the module sees. */
	readonly env: readonly string[];
	/** Undefined where the host's configuration decides. Times in milliseconds. */
	readonly memoryMb: number | undefined;
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

export interface Permissions {
	/** Absolute paths that may be read beside the module's own folder. */
	readonly read: readonly string[];
	readonly net: boolean;
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

/** Reads the text of a `plugins.yaml`. All problems together, each with its line. */
export function parsePolicy(text: string): PolicyResult {
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
	if (parsed.success) return { ok: true, policy: createPolicy(parsed.data) };
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

const whole = (min: number, max: number) =>
	z
		.int(`must be a whole number from ${min} to ${max}`)
		.min(min, `must be at least ${min}`)
		.max(max, `must be at most ${max}`);
const duration = whole(1, 604_800_000);
const absolutePath = z.string().startsWith("/", "must be an absolute path");

const SETTINGS = z
	.strictObject({
		enabled: z.boolean(),
		isolation: z.enum(["thread", "process"], "must be thread or process"),
		permissions: z.strictObject({ read: z.array(absolutePath), net: z.boolean(), childProcess: z.boolean() }).partial(),
		env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable")),
		memoryMb: whole(16, 65_536),
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
		permissions: {
			read: permissions.read ?? [],
			net: permissions.net ?? true,
			childProcess: permissions.childProcess ?? false,
		},
		env: merged.env ?? [],
		memoryMb: merged.memoryMb,
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

function place(lines: LineCounter, offset: number): { readonly line: number; readonly column: number } {
	const { line, col } = lines.linePos(offset);
	return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where the node of a path begins, or the nearest one above it that is in the file. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
	for (let length = path.length; length > 0; length--) {
		const parent: unknown = document.getIn(path.slice(0, length - 1), true);
		const key = path[length - 1];
		for (const item of itemsOf(parent)) {
			if (isScalar(item.key) && item.key.value === key) return item.key.range?.[0] ?? 0;
		}
		const node = document.getIn(path.slice(0, length), true) as { range?: readonly [number, ...number[]] } | undefined;
		if (node?.range !== undefined) return node.range[0];
	}
	return 0;
}

function itemsOf(node: unknown): readonly { readonly key?: unknown }[] {
	return typeof node === "object" && node !== null && "items" in node && Array.isArray(node.items)
		? (node.items as [])
		: [];
}
