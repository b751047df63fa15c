import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ChaosFixture, HELPER, type Wall } from "./chaos-catalogue.ts";
import { childrenOf, readResources, type Resources } from "./chaos-resources.ts";
import { createClient, type HttpAnswer } from "./http-client.ts";
import type { ModuleView } from "./test-server.ts";
import { until } from "./until.ts";

/** The built program, supervisor and host, over a folder with two modules that behave; the fixtures are dropped in beside them. */
export interface ChaosHost {
	readonly url: string;
	/** The host process below the supervisor. */
	readonly pid: number;
	/** The id that a fixture has in this host; each wall has one of its own, since the policy goes by the id. */
	idOf(fixture: ChaosFixture, wall: Wall): string;
	/** Writes a module as an editor does: to another file first. */
	save(id: string, source: string): Promise<void>;
	remove(id: string): Promise<void>;
	/** Undefined when there is none. */
	module(id: string): Promise<ChaosModuleView | undefined>;
	page(): Promise<string>;
	execute(tool: string): Promise<HttpAnswer>;
	resources(): Promise<Resources>;
	/** Whether the process that was started is the one that serves: nothing has brought it down. */
	isFirst(): boolean;
	/** The end of its log. */
	log(): string;
	/** Lets go of whoever reads the pipe that nobody writes to. */
	releaseFifo(): void;
	close(): Promise<void>;
}

export interface ChaosModuleView extends ModuleView {
	readonly isolation: "thread" | "process";
	readonly last_restart: {
		readonly reason: string;
		readonly problem: { readonly message: string };
		readonly advice: string;
	} | null;
}

export interface ChaosHostOptions {
	/** Those that may be dropped in, for the policy. */
	readonly fixtures?: readonly ChaosFixture[];
	/** More files to start with, a `plugins.yaml` among them where there are no fixtures; by their path in the folder. */
	readonly files?: Readonly<Record<string, string>>;
	readonly sandbox?: "off" | "standard";
	readonly env?: Readonly<Record<string, string>>;
}

/** On a busy machine a metric module that floods gets a tenth of a processor, and must not look as if it hung. */
export const HANG_TIMEOUT_MS = 2000;
const SETTINGS = {
	HANG_TIMEOUT_MS: String(HANG_TIMEOUT_MS),
	CALL_TIMEOUT_MS: "4000",
	COLLECT_INTERVAL_MS: "100",
	COLLECT_TIMEOUT_MS: "2500",
	MODULE_START_TIMEOUT_MS: "3000",
	MODULE_MEMORY_MB: "64",
	SHUTDOWN_TIMEOUT_MS: "3000",
	LOG_FORMAT: "json",
	PORT: "0",
};
const MAIN = path.join(import.meta.dirname, "../../dist/main.js");
const READY = /ready at (http:\/\/[^\s"]+)/;
const START_DEADLINE_MS = 60_000;

export async function startChaosHost(options: ChaosHostOptions): Promise<ChaosHost> {
	const { fixtures = [], files = {}, sandbox = "standard", env = {} } = options;
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-chaos-"));
	await chmod(folder, 0o755); // a module process runs as somebody else
	const at = (file: string): string => path.join(folder, file);
	const fifo = at("fifo");
	execFileSync("mkfifo", ["-m", "644", fifo]);
	for (const kind of ["metrics", "mcps"]) await mkdir(at(kind));
	await writeFile(at(HELPER.file), HELPER.source);
	for (const [file, source] of Object.entries(NEIGHBOURS)) await writeFile(at(file), source);
	if (fixtures.length > 0) await writeFile(at("plugins.yaml"), policyFor(fixtures, fifo));
	for (const [file, source] of Object.entries(files)) await writeFile(at(file), source);

	const logFile = at("host.log");
	const logDescriptor = openSync(logFile, "a"); // and no pipe: reading a flood would slow the client down
	const supervisor = spawn(process.execPath, [MAIN], {
		cwd: folder,
		env: { PATH: process.env["PATH"], ...SETTINGS, SANDBOX: sandbox, CHAOS_FIFO: fifo, ...env },
		stdio: ["ignore", "ignore", logDescriptor],
	});
	const ended = once(supervisor, "exit");
	closeSync(logDescriptor);
	const log = (): string => readFileSync(logFile, "utf8").slice(-LOG_TAIL);
	await until(() => READY.test(log()) || supervisor.exitCode !== null, "the host is ready", START_DEADLINE_MS);
	const url = READY.exec(log())?.[1];
	const pid = childrenOf(supervisor.pid ?? 0)[0];
	if (url === undefined || pid === undefined) {
		supervisor.kill("SIGKILL");
		throw new Error(`the host did not start: ${log()}`);
	}
	const client = createClient(url, false);

	return {
		url,
		pid,
		idOf: ({ kind, name }, wall) => `${kind}/${name}${SUFFIX[wall]}`,
		async save(id, source) {
			const file = at(`${id}.ts`);
			await writeFile(`${file}.part`, source);
			await rename(`${file}.part`, file);
		},
		remove: (id) => rm(at(`${id}.ts`)),
		async module(id) {
			const { status, body } = await client.get(`/api/modules/${id}`);
			return status === 200 ? (JSON.parse(body) as ChaosModuleView) : undefined;
		},
		page: async () => (await client.get("/metrics")).body,
		execute: (tool) => client.post("/execute", { tool_name: tool, arguments: {} }),
		resources: async () => readResources(pid, (await client.get("/metrics")).body),
		isFirst: () => childrenOf(supervisor.pid ?? 0)[0] === pid,
		log,
		// Opened for both, it never waits; a reader that was blocked gets its end when it is closed again.
		releaseFifo: () => closeSync(openSync(fifo, "r+")),
		async close() {
			client.close();
			supervisor.kill("SIGTERM");
			await ended;
			await rm(folder, { recursive: true, force: true });
		},
	};
}

const LOG_TAIL = 20_000;
const SUFFIX = {
	thread: "",
	process: "-in-a-process",
	"open process": "-in-an-open-process",
} as const satisfies Record<Wall, string>;

/** What everybody else does meanwhile. */
const NEIGHBOURS = {
	"metrics/steady.ts": `import { Gauge } from "prom-client";
const collections = new Gauge({ name: "steady_collections", help: "Collections of a module that behaves" });
export function process(): void { collections.inc(); }
`,
	"mcps/steady.ts": `import type { McpServer } from "@modelcontextprotocol/server";
let calls = 0;
export default function register(server: McpServer): void {
	server.registerTool("steady", { description: "Counts its calls" }, () => ({ content: [{ type: "text", text: String(++calls) }] }));
}
`,
};

function policyFor(fixtures: readonly ChaosFixture[], fifo: string): string {
	const lines = fixtures.flatMap(({ kind, name, policy }) => {
		const granted = policy.replace("[FIFO]", `[${fifo}]`).slice(1, -1).trim();
		const isolated = ["isolation: process", ...(granted === "" ? [] : [granted])].join(", ");
		return [
			...(granted === "" ? [] : [`  ${kind}/${name}: { ${granted} }`]),
			`  ${kind}/${name}${SUFFIX.process}: { ${isolated} }`,
			`  ${kind}/${name}${SUFFIX["open process"]}: { ${isolated} }`,
		];
	});
	return `modules:\n${lines.join("\n")}\n`;
}
