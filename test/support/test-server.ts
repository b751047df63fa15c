import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { type HostConfig, loadConfig } from "../../src/config/config.ts";
import type { Logger } from "../../src/logging/logger.ts";
import type { CollectReport } from "../../src/metrics/drops/report.ts";
import type { ServerOptions } from "../../src/composition/parts.ts";
import { type RunningServer, startServer } from "../../src/composition/start-server.ts";

/** A real server on a free port, over module folders of its own that a test may write to. */
export interface TestServer extends RunningServer {
	readonly folder: string;
	/** What the log said, one line a message. */
	readonly logged: readonly string[];
	/** Writes a module or a helper, e.g. `save("mcps/add.ts", source)`. */
	save(file: string, source: string): Promise<void>;
	remove(file: string): Promise<void>;
	module(id: string): Promise<ModuleView>;
	/** The text of `/metrics`. */
	metrics(): Promise<string>;
	execute(tool: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<ExecuteAnswer>;
	/** Posts one JSON-RPC message to `/mcp` without a session; the body of the answer. */
	rpc(method: string, params?: Record<string, unknown>): Promise<RpcAnswer>;
}

export interface ModuleView {
	readonly state: string;
	readonly generation: number;
	readonly version: string | null;
	readonly restarts: Readonly<Record<string, number>>;
	readonly pending_calls: number;
	readonly last_restart: { readonly reason: string; readonly problem: Problem } | null;
	readonly next_attempt_at: string | null;
	readonly load_error: Problem | null;
	readonly collection: (Omit<CollectReport, "at"> & { readonly at: string }) | null;
	readonly conflicts: readonly { readonly name: string; readonly owner: string }[];
	readonly rejected_entries: readonly {
		readonly list: string;
		readonly name: string;
		readonly path: string;
		readonly message: string;
	}[];
	readonly warnings: readonly string[];
}
interface Problem {
	readonly message: string;
	readonly file?: string;
	readonly line?: number;
	readonly frame?: string;
}
export interface ExecuteAnswer {
	readonly status: number;
	readonly body: {
		readonly content?: readonly { readonly text: string }[];
		readonly isError?: boolean;
		readonly detail?: string;
		readonly code?: string;
	};
}
export interface RpcAnswer {
	readonly status: number;
	readonly result?: Readonly<Record<string, unknown>>;
	readonly error?: { readonly code: number; readonly message: string };
}

export interface TestServerOptions {
	/** Files to start with: name relative to the folder, and source. */
	readonly files?: Readonly<Record<string, string>>;
	/** Modules of test/fixtures/modules to start with, e.g. `mcps/exits-in-a-tool.ts`. */
	readonly fixtures?: readonly string[];
	/** Start with the examples that ship. */
	readonly examples?: boolean;
	readonly env?: Readonly<Record<string, string>>;
	readonly server?: Partial<ServerOptions>;
}

const ROOT = path.join(import.meta.dirname, "../..");
const FIXTURES = path.join(ROOT, "test/fixtures/modules");

/** A folder for a server and what to start it with; the folder goes with the test. */
export async function testSetup(
	t: TestContext,
	options: TestServerOptions = {},
): Promise<{ readonly folder: string; readonly logged: readonly string[]; readonly options: ServerOptions }> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-test-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	await chmod(folder, 0o755); // a module process runs as somebody else
	for (const kind of ["metrics", "mcps"]) {
		await mkdir(path.join(folder, kind));
		if (options.examples === true) await cp(path.join(ROOT, kind), path.join(folder, kind), { recursive: true });
	}
	for (const fixture of options.fixtures ?? []) {
		await cp(path.join(FIXTURES, fixture), path.join(folder, fixture), { recursive: true });
	}
	for (const [file, source] of Object.entries(options.files ?? {})) await save(folder, file, source);
	const logged: string[] = [];
	const config = testConfig(folder, options.env);
	return {
		folder,
		logged,
		options: { config, log: collectingLogger(logged), env: options.env ?? {}, ...options.server },
	};
}

export async function startTestServer(t: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
	let close: (() => Promise<void>) | undefined;
	t.after(() => close?.()); // before the folder goes
	const { folder, logged, options: serverOptions } = await testSetup(t, options);
	const server = await startServer(serverOptions);
	close = server.close;
	const { url } = server;

	return {
		...server,
		folder,
		logged,
		save: (file, source) => save(folder, file, source),
		remove: (file) => rm(path.join(folder, file), { recursive: true, force: true }),
		module: async (id) => (await fetch(`${url}/api/modules/${id}`)).json() as Promise<ModuleView>,
		metrics: async () => (await fetch(`${url}/metrics`)).text(),
		async execute(tool, args = {}, signal) {
			const response = await fetch(`${url}/execute`, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ tool_name: tool, arguments: args }),
				...(signal !== undefined && { signal }),
			});
			return { status: response.status, body: (await response.json()) as ExecuteAnswer["body"] };
		},
		async rpc(method, params = {}) {
			const response = await fetch(`${url}/mcp`, {
				method: "POST",
				headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
				body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
			});
			const text = await response.text();
			// What takes its time is answered as a stream, whose last event is the answer.
			const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
			const json = isStream
				? (text
						.match(/^data: \{.*$/gm)
						?.at(-1)
						?.slice(6) ?? "{}")
				: text;
			return { status: response.status, ...(JSON.parse(json) as object) };
		},
	};
}

async function save(folder: string, file: string, source: string): Promise<void> {
	await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
	await writeFile(path.join(folder, file), source);
}

function testConfig(folder: string, env: Readonly<Record<string, string>> = {}): HostConfig {
	const loaded = loadConfig({ PORT: "0", SHUTDOWN_TIMEOUT_MS: "2000", ...env }, folder);
	if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
	return loaded.config;
}

/** A logger whose lines go into an array. */
export function collectingLogger(lines: string[]): Logger {
	const write = (message: string): void => void lines.push(message);
	const logger: Logger = { debug: () => undefined, info: write, warn: write, error: write, child: () => logger };
	return logger;
}

/** The value of one sample of an exposition, whatever the order of its labels; undefined when it is not there. */
export function sampleOf(text: string, series: string): number | undefined {
	const wanted = sortLabels(series);
	const line = text
		.split("\n")
		.find((candidate) => sortLabels(candidate.slice(0, candidate.lastIndexOf(" "))) === wanted);
	return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** Only for label values without escapes, which is all that tests ask for. */
function sortLabels(series: string): string {
	const [name, labels = ""] = series.split("{");
	return `${name} ${(labels.match(/\w+="[^"]*"/g) ?? []).toSorted().join()}`;
}
