import type { McpServer } from "@modelcontextprotocol/server";

/**
 * Types for module authors, and nothing else: a module needs no import of ours to run. `import type` vanishes when the
 * module is compiled.
 *
 * A metric module (`metrics/NAME.ts`) is any code that exports `process()` and keeps its metrics in `prom-client`,
 * `@prometheus-io/client` or `@platformatic/prom-client`:
 *
 * ```ts
 * import { Gauge } from "prom-client";
 *
 * const queued = new Gauge({ name: "orders_queued", help: "Orders that wait to be packed" });
 *
 * export function process() {
 * 	queued.set(countOrders());
 * }
 * ```
 */
export interface MetricModule {
	/**
	 * Brings the metrics up to date. Runs once at the start and then as `options` say, never twice at a time. Throwing
	 * or rejecting costs this collection, not the module.
	 */
	process(): unknown;
	readonly options?: MetricOptions;
	/** Needed only when the metrics are not in the client library's default registry. */
	readonly registry?: MetricRegistry;
	/** Runs once, before the first collection, to open what `process()` needs. The module has not started until it settles. */
	start?(context: ModuleContext): unknown;
	/** Runs once, when the module is stopped or replaced, to close what `start()` opened. */
	stop?(): unknown;
}

/** What a metric module may ask for; the operator's policy wins over it. */
export interface MetricOptions {
	/** Time between two collections in milliseconds. Default: `COLLECT_INTERVAL_MS`. */
	readonly intervalMs?: number;
	/** Deadline of one collection in milliseconds. Default: `COLLECT_TIMEOUT_MS`. */
	readonly timeoutMs?: number;
	/**
	 * Collect whenever `/metrics` is scraped, instead of every `intervalMs`. The scraper waits for it, but never past its
	 * own timeout: then it gets what the collection before brought.
	 */
	readonly onScrape?: boolean;
	/**
	 * `absolute`: the counters, histograms and summaries mirror the totals of another system, so that nothing is added to
	 * them after a restart. `cumulative`: they count from zero in each worker, and go on where the one before was. Default:
	 * absolute for those that are seen to be reset or made anew.
	 */
	readonly counters?: "absolute" | "cumulative";
}

/** What every Prometheus client library for JavaScript has; ours is a shape and no class, so that each of them fits. */
export interface MetricRegistry {
	getMetricsAsJSON(): unknown;
}

/**
 * The default export of an MCP module (`mcps/NAME.ts`): registers tools, resources, resource templates and prompts with
 * the SDK. It may run any number of times, once for each `McpServer`, so it has no side effects; what is expensive
 * lives at module scope or in `start()`. An MCP module may export `start` and `stop` as a metric module does.
 *
 * ```ts
 * export default function register(server: McpServer) {
 * 	server.registerTool("roll", { description: "Roll a die" }, () => ({
 * 		content: [{ type: "text", text: String(1 + Math.floor(Math.random() * 6)) }],
 * 	}));
 * }
 * ```
 */
export type McpModule = (server: McpServer, context: ModuleContext) => void | Promise<void>;

/** What the host hands to a module, the same object in `start(context)` and in every call of an `McpModule`. */
export interface ModuleContext {
	/** `metrics/NAME` or `mcps/NAME`. */
	readonly id: string;
	/** Writes to the host's log under the module's id. */
	readonly log: ModuleLog;
	/** Aborts when the module is asked to stop: the last moment to let go of what runs in the background. */
	readonly signal: AbortSignal;
	/** The environment variables that the operator granted to this module, no others. */
	readonly env: Readonly<Record<string, string>>;
	readonly notify: ModuleNotify;
}

/**
 * Each call is a line of the host's log, with the ids of the request whose code writes it.
 *
 * An `Error` as the message or among the fields keeps its class, its stack and its causes. Fields are cut to what a line may
 * hold, and secrets among them (`password`, `token`, `authorization`, ...) are not written.
 */
export type ModuleLog = Readonly<Record<LogLevel, (message: string | Error, fields?: LogFields) => void>>;

export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Tells the clients that what this module offers has changed. Without effect in a metric module. */
export interface ModuleNotify {
	toolsChanged(): void;
	promptsChanged(): void;
	resourcesChanged(): void;
	/** @param uri of the resource whose contents changed, static or from a template */
	resourceUpdated(uri: string): void;
	/**
	 * A task of this module (extension `io.modelcontextprotocol/tasks`) has another status, message or question. The host
	 * asks `tasks/get` for those who listen.
	 */
	taskChanged(taskId: string): void;
}
