import process from "node:process";
import { pathToFileURL } from "node:url";
import { immediate } from "../primordials/primordials.ts";
import type { ModuleContext, ModuleLog } from "../contract.ts";
import {
	type CallDto,
	type AnswerDto,
	boundFailures,
	isCounterMode,
	MAX_TASK_ID_LENGTH,
	MAX_URI_LENGTH,
	type StartDto,
	type StartedDto,
	type NoticeMessage,
} from "../wire/messages.ts";
import { createMessageQuota } from "../wire/token-bucket.ts";
import { wrongShape } from "../wire/wire-error.ts";
import { type RequestContext, serveRpc } from "../wire/rpc-server.ts";
import { isolateBroadcasts } from "../sandbox/broadcast.ts";
import { followPackages } from "./package-loader.ts";
import { lockWorker } from "../sandbox/lock.ts";
import { encodeSnapshot } from "../snapshot/encode-snapshot.ts";
import { isDuration, isRecord } from "../wire/json.ts";
import { NO_TRANSFER, type Port } from "../wire/port.ts";
import { createRegistryCollection, type RegistryCollection } from "./collect-registries.ts";
import { explainWhileLoading } from "./own-process.ts";
import { createModuleLines, type ModuleLines } from "./module-log.ts";
import { importClients, mergeDefault, type ModuleExports } from "./registries.ts";

/** What the two kinds of module do differently. */
export interface ModuleFlavour {
	/** Checks the exports and makes the module ready. @throws with a sentence that says what to change in the file */
	load(
		exports: ModuleExports,
		context: ModuleContext,
		start: StartDto,
		host: FlavourLink,
		metrics: ModuleMetrics,
	): Promise<LoadedModule>;
}

/** The metrics of a module while it loads. */
export interface ModuleMetrics {
	/** Whether it has made any. */
	has(): boolean;
	registries(): readonly object[];
}

export interface LoadedModule {
	readonly catalog?: string;
	/** Runs before each snapshot. */
	process?(): unknown;
	call?(call: CallDto, context: RequestContext): Promise<AnswerDto>;
	/** `context.notify` asked for this. */
	relist?(): void;
}

/** What a module can tell the host outside of a request. */
export interface HostLink {
	send(message: NoticeMessage): void;
}

/** What the runtime of a flavour has to tell as well. */
export interface FlavourLink extends HostLink {
	readonly failed: ModuleLines["failed"];
}

/** Of a collection's deadline: when a metric's own `collect()` is given up, so that the others arrive in time. */
const METRIC_TIME_SHARE = 0.8;

/** What a module may send without being asked: log lines, notices, messages to sessions. Beyond it they are dropped. */
const UNASKED_MESSAGES = { perSecond: 500, burst: 5000 };

/**
 * Serves one module over a port until it is stopped. This is all that a worker does: the entries only choose the
 * flavour. Resolves when the host has asked the module to stop and has been answered.
 */
export function serveModule(port: Port, flavour: ModuleFlavour): Promise<void> {
	return new Promise((resolve) => {
		const quota = createMessageQuota(UNASKED_MESSAGES);
		const host: HostLink = {
			send(message) {
				if (quota.take()) port.postMessage(message, NO_TRANSFER);
			},
		};
		const stopping = new AbortController();
		let module: RunningModule | undefined;

		serveRpc(port, {
			async start(params) {
				module = await startModule(params, flavour, host, stopping.signal);
				return { result: module.started };
			},
			async collect({ timeoutMs }, { signal }) {
				const running = required(module);
				const deadlineAt = performance.now() + timeoutMs * METRIC_TIME_SHARE;
				await running.loaded.process?.();
				signal.throwIfAborted();
				if (running.registries === undefined) return { result: {} };
				const { lists, mirrored, failures } = await running.registries.collect(deadlineAt);
				const limits = { maxBytes: running.limits.maxSnapshotBytes, maxSamples: running.limits.maxSamples };
				const encoded = encodeSnapshot(lists, limits, mirrored);
				if (!encoded.ok) throw Object.assign(new Error(encoded.message), { code: encoded.reason });
				const result = { snapshot: encoded.bytes, ...(failures.length > 0 && boundFailures(failures)) };
				return { result };
			},
			async call(params, context) {
				const { call } = required(module).loaded;
				if (call === undefined) throw new Error("this module serves no calls");
				return { result: await call(params, context) };
			},
			ping: () => ({ result: null }),
			async stop() {
				stopping.abort("the module is being stopped");
				await module?.stop?.();
				immediate(resolve); // after the answer has been posted
				return { result: null };
			},
		});
	});
}

interface RunningModule {
	readonly started: StartedDto;
	readonly loaded: LoadedModule;
	/** Undefined where there is none. */
	readonly registries: RegistryCollection | undefined;
	readonly limits: StartDto["limits"];
	readonly stop: (() => unknown) | undefined;
}

async function startModule(
	start: StartDto,
	flavour: ModuleFlavour,
	host: HostLink,
	signal: AbortSignal,
): Promise<RunningModule> {
	// Stack traces name the author's file and line, from the source map beside the bundle.
	process.setSourceMapsEnabled(true);
	if (start.sandbox.level !== "off") isolateBroadcasts();
	const packages = followPackages(start.redirects);
	for (const path of start.trustedPaths) await import(pathToFileURL(path).href);
	const lines = createModuleLines((line) => host.send({ type: "logged", ...line }));
	lockWorker({
		moduleId: start.moduleId,
		policy: start.sandbox,
		onOutput: (stream, text) => lines.printed(stream === "stdout" ? "info" : "warn", text),
	});
	const registries = createRegistryCollection(
		await importClients(start.clientPaths.map((path) => pathToFileURL(path).href)),
	);
	const namespace = await loadBundle(start.bundlePath);
	const exports = mergeDefault(namespace);
	let loaded: LoadedModule | undefined;
	const context = createContext(start.moduleId, host, lines.log, signal, () => loaded?.relist?.());
	const startFunction = exports["start"];
	if (typeof startFunction === "function") await startFunction.call(undefined, context);
	registries.add(await importClients(packages.clients()));
	const found: ModuleMetrics = {
		has: () => registries.hasMetrics(exports),
		registries: () => registries.found(exports),
	};
	loaded = await flavour.load(exports, context, start, { ...host, failed: lines.failed }, found);
	const stop = exports["stop"];
	const options = isRecord(exports["options"]) ? exports["options"] : {};
	const hasRegistry = registries.loaded(exports);
	return {
		loaded,
		registries: hasRegistry ? registries : undefined,
		limits: start.limits,
		stop: typeof stop === "function" ? () => stop.call(undefined) as unknown : undefined,
		started: {
			collects: loaded.process !== undefined || hasRegistry,
			...readDuration(options, "intervalMs"),
			...readDuration(options, "timeoutMs"),
			...readOnScrape(options),
			...readCounters(options),
			...(loaded.catalog !== undefined && { catalog: loaded.catalog }),
		},
	};
}

async function loadBundle(path: string): Promise<unknown> {
	const loaded = explainWhileLoading();
	try {
		return await import(pathToFileURL(path).href);
	} finally {
		loaded();
	}
}

function readDuration<Key extends string>(
	options: Readonly<Record<string, unknown>>,
	key: Key,
): Partial<Record<Key, number>> {
	const value = options[key];
	if (value === undefined) return {};
	if (!isDuration(value))
		throw wrongShape(`options.${key} must be a number of milliseconds of at least 1, and is ${JSON.stringify(value)}`);
	return { [key]: value } as Partial<Record<Key, number>>;
}

function readOnScrape({ onScrape }: Readonly<Record<string, unknown>>): { readonly onScrape?: boolean } {
	if (onScrape === undefined) return {};
	if (typeof onScrape !== "boolean")
		throw wrongShape(`options.onScrape must be true or false, and is ${JSON.stringify(onScrape)}`);
	return { onScrape };
}

function readCounters({ counters }: Readonly<Record<string, unknown>>): Pick<StartedDto, "counters"> {
	if (counters === undefined) return {};
	if (!isCounterMode(counters))
		throw wrongShape(`options.counters must be "absolute" or "cumulative", and is ${JSON.stringify(counters)}`);
	return { counters };
}

function createContext(
	id: string,
	host: HostLink,
	log: ModuleLog,
	signal: AbortSignal,
	relist: () => void,
): ModuleContext {
	return {
		id,
		signal,
		env: Object.freeze({ ...process.env }) as Readonly<Record<string, string>>,
		log,
		notify: {
			toolsChanged: relist,
			promptsChanged: relist,
			resourcesChanged: relist,
			resourceUpdated: resourceNotice(host, log.warn),
			taskChanged: (taskId) => tellTaskChanged(host, taskId),
		},
	};
}

/** What is no URI, or too long for one, is nobody's subscription. Its author is told once: it looks as if it had worked. */
function resourceNotice(host: HostLink, warn: (message: string) => void): (uri: unknown) => void {
	let told = false;
	return (uri) => {
		const text = uri instanceof URL ? uri.href : uri;
		if (typeof text === "string" && text.length <= MAX_URI_LENGTH) return host.send({ type: "updated", uri: text });
		if (!told) {
			warn(
				`a resource was said to be updated by what is no URI of at most ${MAX_URI_LENGTH} characters: nobody is told of it, and the log not of later ones`,
			);
		}
		told = true;
	};
}

/** An id that is none belongs to no task that the host could know. */
export function tellTaskChanged(host: HostLink, taskId: unknown): void {
	if (typeof taskId !== "string" || taskId.length > MAX_TASK_ID_LENGTH) return;
	host.send({ type: "taskChanged", taskId });
}

function required(module: RunningModule | undefined): RunningModule {
	if (module === undefined) throw new Error("the module has not been started");
	return module;
}
