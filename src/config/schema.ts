import path from "node:path";
import { z } from "zod";
import { isHost, isLoopback, toHostName, toOriginName } from "./host-header.ts";
import { DEFAULT_SHUTDOWN_TIMEOUT_MS, MAX_DURATION_MS } from "../launch/launch-contract.ts";

/**
 * Every variable, what it may be, and its default, written as in the environment. An issue's message is the text for
 * `ConfigProblem.allowed`.
 *
 * @param startDir absolute directory that relative folders and files are resolved against
 * @param terminal whether the log is read on a terminal
 */
export function schemaFor(startDir: string, terminal: boolean) {
	const file = z
		.string()
		.trim()
		.refine(
			(text) => !HOME_SHORTHAND.test(text),
			"a path without ~, which a shell alone understands: write the folder out",
		)
		.transform((text) => path.resolve(startDir, text));
	return z
		.object({
			PORT: wholeNumber(0, 65_535).prefault("8000"),
			HOST: host().prefault("127.0.0.1"),
			ALLOW_UNAUTHENTICATED: flag().prefault("false"),
			ALLOWED_HOSTS: list(toHostName, "host names with or without a port, separated by commas, or *").prefault(
				LOOPBACK_NAMES,
			),
			PUBLIC_URL: z.string().transform(toPublicUrl).optional(),
			METRICS_PORT: wholeNumber(0, 65_535).optional(),
			METRICS_HOST: host().optional(),
			KEEP_ALIVE_TIMEOUT_MS: duration().prefault("65000"),
			ALLOWED_ORIGINS: list(
				toOriginName,
				"origins as https://app.example, host names, or scheme://* (for browser extensions), separated by commas, or *",
			).prefault(LOOPBACK_NAMES),

			AUTH_TOKENS_FILE: file.optional(),
			WEB_CONFIG_FILE: file.optional(),
			OAUTH_ISSUER: httpUrl().optional(),
			OAUTH_AUDIENCE: texts("names or addresses of audiences, separated by commas").optional(),
			OAUTH_JWKS_URI: httpUrl().optional(),
			RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).prefault("0"),
			AUDIT_LOG_FILE: file.optional(),

			METRICS_DIR: file.prefault("metrics"),
			MCPS_DIR: file.prefault("mcps"),
			STATE_DIR: file.prefault(".bulkhead"),
			PLUGINS_FILE: file.prefault("plugins.yaml"),
			SANDBOX: choice("off", "standard", "strict").prefault("standard"),

			COLLECT_INTERVAL_MS: duration(10).prefault("15000"),
			COLLECT_TIMEOUT_MS: duration().prefault("10000"),
			COLLECT_MAX_AGE_MS: duration().prefault("300000"),
			COUNTER_STATE: flag().prefault("false"),
			METRICS_ENDPOINT_ENABLED: flag().prefault("true"),
			PROMETHEUS_REGISTRY_ENABLED: flag().prefault("true"),

			CALL_TIMEOUT_MS: duration().prefault("30000"),
			// The most is half of what one V8 string holds.
			CALL_MAX_RESULT_BYTES: wholeNumber(1024, 268_435_456).prefault("4194304"),
			CALL_CONCURRENCY: wholeNumber(1, 10_000).prefault("64"),
			CALL_QUEUE: wholeNumber(0, 1_000_000).prefault("256"),
			LIST_PAGE_SIZE: wholeNumber(1, 100_000).prefault("1000"),
			SESSION_IDLE_TIMEOUT_MS: duration().prefault("1800000"),
			SESSION_MAX: wholeNumber(1, 1_000_000).prefault("10000"),
			REQUEST_STATE_KEY: z.string().trim().min(32, "at least 32 characters that nobody can guess").optional(),

			MODULE_START_TIMEOUT_MS: duration().prefault("10000"),
			MODULE_MEMORY_MB: wholeNumber(16, 65_536).prefault("128"),
			MODULE_MAX_SERIES: wholeNumber(1, 10_000_000).prefault("10000"),
			// Of both, what a worker can send at most (workers/snapshot/limits.ts).
			MODULE_MAX_LABELS: wholeNumber(1, 128).prefault("30"),
			MODULE_MAX_LABEL_LENGTH: wholeNumber(1, 16_384).prefault("1024"),
			HANG_TIMEOUT_MS: duration(100).prefault("5000"),
			SHUTDOWN_DELAY_MS: duration(0).prefault("0"),
			SHUTDOWN_TIMEOUT_MS: duration(0).prefault(String(DEFAULT_SHUTDOWN_TIMEOUT_MS)),
			MAIN_PRIORITY: choice("normal", "realtime").prefault("normal"),

			LOG_LEVEL: choice("debug", "info", "warn", "error").prefault("info"),
			LOG_FORMAT: choice("json", "pretty").prefault(terminal ? "pretty" : "json"),
			LOG_FILE: file.optional(),
			LOG_MAX_SIZE_MB: wholeNumber(1, 100_000).prefault("100"),
			LOG_MAX_FILES: wholeNumber(1, 1000).prefault("10"),
			LOG_REQUESTS: choice("none", "errors", "all").prefault("errors"),
			SLOW_REQUEST_MS: duration().prefault("5000"),
		})
		.refine((values) => mayBeOpen(values) || isLoopback(values.HOST), {
			path: ["HOST"],
			error: `a loopback address, since anybody could use this server without authentication (${OR_AUTHENTICATE})`,
			when: valid("HOST", "ALLOW_UNAUTHENTICATED"),
		})
		.refine((values) => mayBeOpen(values) || isLoopback(values.METRICS_HOST ?? LOCAL), {
			path: ["METRICS_HOST"],
			error: `a loopback address, since anybody could read the metrics (${OR_AUTHENTICATE})`,
			when: valid("METRICS_HOST", "ALLOW_UNAUTHENTICATED"),
		})
		.refine(({ OAUTH_ISSUER, OAUTH_AUDIENCE }) => OAUTH_ISSUER === undefined || OAUTH_AUDIENCE !== undefined, {
			path: ["OAUTH_AUDIENCE"],
			error:
				"set where OAUTH_ISSUER is, to what the issuer calls this host: a token for another server is none for this one",
			when: valid("OAUTH_ISSUER", "OAUTH_AUDIENCE"),
		})
		.refine(({ OAUTH_ISSUER, OAUTH_JWKS_URI }) => OAUTH_JWKS_URI === undefined || OAUTH_ISSUER !== undefined, {
			path: ["OAUTH_ISSUER"],
			error: "set where OAUTH_JWKS_URI is, to the issuer whose keys these are",
			when: valid("OAUTH_ISSUER", "OAUTH_JWKS_URI"),
		})
		.refine(({ PORT, METRICS_PORT }) => METRICS_PORT === undefined || METRICS_PORT === 0 || METRICS_PORT !== PORT, {
			path: ["METRICS_PORT"],
			error: "another port than PORT",
			when: valid("PORT", "METRICS_PORT"),
		})
		.refine(({ STATE_DIR, METRICS_DIR, MCPS_DIR }) => STATE_DIR !== METRICS_DIR && STATE_DIR !== MCPS_DIR, {
			path: ["STATE_DIR"],
			error: "another folder than METRICS_DIR and MCPS_DIR",
			when: valid("METRICS_DIR"),
		})
		.refine(({ METRICS_DIR, MCPS_DIR }) => METRICS_DIR !== MCPS_DIR, {
			path: ["MCPS_DIR"],
			error: "another folder than METRICS_DIR",
			when: valid("METRICS_DIR"),
		});
}

/** Variables whose value is in no message. */
export const SECRET_VARIABLES: readonly string[] = ["REQUEST_STATE_KEY"] satisfies readonly (keyof Variables)[];

/** The values by variable, when all are as the schema wants them. */
export type Variables = z.output<ReturnType<typeof schemaFor>>;

const LOOPBACK_NAMES = "localhost,127.0.0.1,[::1]";

/**
 * When a check across variables makes sense: zod would leave it out as soon as any variable is wrong, and not all problems
 * would be told at once.
 */
function valid(...names: string[]): (payload: z.core.ParsePayload) => boolean {
	return ({ issues }) => !issues.some((issue) => names.includes(String(issue.path?.[0])));
}

/** `~`, `~/…`, `~user/…`, and a folder `~` within: whoever means one of that name can say `./~x`. */
const HOME_SHORTHAND = /^~|\/~(\/|$)/;

const LOCAL = "127.0.0.1";
const OR_AUTHENTICATE =
	"set AUTH_TOKENS_FILE, OAUTH_ISSUER or WEB_CONFIG_FILE to open it to others; ALLOW_UNAUTHENTICATED=true opens it to everybody";

/** Whether other machines may be served. What `WEB_CONFIG_FILE` asks of them is known when it is read. */
function mayBeOpen(values: {
	readonly ALLOW_UNAUTHENTICATED: boolean;
	readonly AUTH_TOKENS_FILE?: string | undefined;
	readonly OAUTH_ISSUER?: string | undefined;
	readonly WEB_CONFIG_FILE?: string | undefined;
}): boolean {
	const { ALLOW_UNAUTHENTICATED, AUTH_TOKENS_FILE, OAUTH_ISSUER, WEB_CONFIG_FILE } = values;
	return (
		ALLOW_UNAUTHENTICATED ||
		[AUTH_TOKENS_FILE, OAUTH_ISSUER, WEB_CONFIG_FILE].some((configured) => configured !== undefined)
	);
}

/** As it is written: an issuer is compared letter by letter. */
function httpUrl() {
	const error = "an http:// or https:// address";
	return z
		.string()
		.trim()
		.refine((text) => HTTP_SCHEMES.has(URL.parse(text)?.protocol ?? ""), { error });
}

function texts(allowed: string) {
	return z
		.string()
		.transform((text) =>
			text
				.split(",")
				.map((part) => part.trim())
				.filter(Boolean),
		)
		.refine((all) => all.length > 0, { error: allowed });
}

function host() {
	return z.string().trim().refine(isHost, "an IP address or a host name, without a port");
}

/** Without a slash at its end, so that paths follow. */
function toPublicUrl(text: string, context: z.core.$RefinementCtx): string {
	const url = URL.parse(text.trim());
	if (url !== null && HTTP_SCHEMES.has(url.protocol) && url.username === "" && url.search === "" && url.hash === "") {
		return url.href.replace(/\/+$/, "");
	}
	context.addIssue(
		"an http:// or https:// address, with the path prefix if there is one, without user, query and fragment",
	);
	return z.NEVER;
}

const HTTP_SCHEMES: ReadonlySet<string> = new Set(["http:", "https:"]);

function wholeNumber(min: number, max: number) {
	const error = `a whole number from ${min} to ${max}`;
	return z.string().trim().regex(/^\d+$/, error).transform(Number).pipe(z.number().min(min, error).max(max, error));
}

/** @param min milliseconds */
function duration(min = 1) {
	return wholeNumber(min, MAX_DURATION_MS);
}

function flag() {
	return choice("true", "false").transform((text) => text === "true");
}

const OR = new Intl.ListFormat("en-GB", { type: "disjunction" });

function choice<const Options extends readonly [string, ...string[]]>(...options: Options) {
	return z
		.string()
		.trim()
		.pipe(z.enum(options, { error: OR.format(options) }));
}

/** @param read an entry as it is compared later, or undefined when it is none */
function list(read: (entry: string) => string | undefined, allowed: string) {
	return z.string().transform((text, context): readonly string[] => {
		const names: string[] = [];
		for (const entry of text.split(",").map((part) => part.trim().toLowerCase())) {
			if (entry === "") continue;
			const name = read(entry);
			if (name === undefined) {
				context.addIssue(allowed);
				return z.NEVER;
			}
			names.push(name);
		}
		return Object.freeze(names);
	});
}
