/**
 * The rooms of the house, from the top down. A file imports from its own folder and from those below it; an arrow that
 * points up, a folder in a circle and a folder of more than 15 files end `npm run check` with a sentence each.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

const MAX_FILES = 15;

/** Every folder that holds sources, and what it is for. A new folder takes its place here. */
const ROOMS: Readonly<Record<string, string>> = {
	src: "the entries of the two processes: nothing imports them",
	"src/composition": "wires the parts: the only folder that knows them all",
	"src/cli": "`bulkhead COMMAND`: a client of a host, which it reaches by HTTP alone",
	"src/cli/commands": "one file a command",
	"src/cli/check": "what `bulkhead check` looks for in a host of its own",
	"src/cli/templates": "what `bulkhead new` writes",
	"src/cli/doctor": "what `bulkhead doctor` tries",
	"src/cli/connect": "the configuration files of MCP clients",
	"src/cli/terminal": "what a command prints",
	"src/cli/host": "which host is meant, and how it is asked",
	"src/stdio": "`bulkhead stdio`: an MCP client of a host, which it reaches by HTTP alone",
	"src/http": "Express: asks the layers below, and is asked by none of them",
	"src/http/routes": "one file a route",
	"src/http/page": "the pages for people, and what keeps them up to date",
	"src/http/page/client": "what runs in the browser: bundled, and imported by nothing",
	"src/http/page/view": "what a page looks like, as data: the host writes it and the browser changes it",
	"src/http/front": "what every request passes, whatever its route",
	"src/mcp": "the MCP endpoint",
	"src/mcp/http": "one file for each way in which a request is served",
	"src/mcp/subscriptions": "subscriptions/listen, and tasks",
	"src/mcp/sessions": "state of the 2025 era",
	"src/mcp/protocol": "reading and writing MCP",
	"src/mcp/calls": "a request on its way to a module",
	"src/mcp/catalog": "what modules offer, and who owns a name",
	"src/metrics": "collects modules, and joins what they have",
	"src/metrics/ingest": "the thread that checks snapshots, and what it says to main",
	"src/metrics/page": "the body of a scrape",
	"src/metrics/self": "the host's own families",
	"src/metrics/ownership": "who owns a family or a series",
	"src/metrics/counters": "counters over restarts",
	"src/metrics/exposition": "checked families as text",
	"src/metrics/validate": "bytes of a worker as checked families",
	"src/metrics/drops": "what was lost, and who is told",
	"src/host": "the modules there are, each kept running",
	"src/host/runner": "keeps one module running",
	"src/host/watch": "hangs and memory",
	"src/host/worker": "the walls: a thread or a process",
	"src/host/sources": "which modules there are, and when their files change",
	"src/host/compile": "has modules compiled, and keeps what came of it",
	"src/host/bundle": "a source as a bundle: runs in a process of its own",
	"src/host/packages": "installed packages: where they lie, what they need, what of them is read",
	"src/host/policy": "what the operator allows",
	"src/auth": "who sends a request, and what they may do",
	"src/state": "files that outlive the host",
	"src/telemetry": "traces: loaded only where an endpoint is configured",
	"src/logging": "log lines",
	"src/config": "the environment, parsed once",
	"src/core": "what every layer may use: imports nothing of src/",
	"src/launch": "the supervisor: runs under any Node, with nothing installed",
	workers: "the entries of a worker: they wire, and hold no logic",
	"workers/mcp": "runs the module's McpServer",
	"workers/runtime": "loads a module and serves it",
	"workers/pipe": "a port over a pipe, for a module in a process",
	"workers/wire": "what both ends share",
	"workers/sandbox": "locks the worker before the module's first line",
	"workers/network": "what a module may reach over sockets, and what holds it to that",
	"workers/handles": "what native objects of Node's may be called with",
	"workers/snapshot": "the metrics of a module as bytes",
	"workers/paths": "what a path really leads to",
	"workers/primordials": "what the runtime has of the language, taken before a module can change it",
};
/** Of a worker's folders, src/ knows these and what they import: the rest runs in a worker alone. */
const SHARED_WITH_MAIN = [
	"workers/wire",
	"workers/snapshot/limits.ts",
	"workers/sandbox/policy.ts",
	"workers/network",
	"workers/pipe",
];
/** The types that module authors see: it imports nothing, so that everything may import it. */
const CONTRACT = "workers/contract.ts";

const ORDER = Object.keys(ROOMS);
const files = ["src", "workers"].flatMap((root) =>
	readdirSync(root, { recursive: true, encoding: "utf8" })
		.filter((file) => file.endsWith(".ts"))
		.map((file) => path.posix.join(root, file)),
);
const problems = [...tooFull(), ...files.flatMap(wrongArrows)];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function tooFull(): string[] {
	const counts = Map.groupBy(files, path.posix.dirname);
	return [...counts].flatMap(([folder, { length }]) => [
		...(ORDER.includes(folder) ? [] : [`${folder} has no place in scripts/folder-graph.ts: say what it is for`]),
		...(length > MAX_FILES ? [`${folder} has ${length} files, of at most ${MAX_FILES}: give a part a folder`] : []),
	]);
}

/** Since every arrow points down in one order of folders, there is no circle of them either. */
function wrongArrows(file: string): string[] {
	const folder = path.posix.dirname(file);
	const imported = [...readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, specifier]) =>
		path.posix.join(folder, specifier ?? ""),
	);
	return imported.flatMap((target) => {
		const to = path.posix.dirname(target);
		if (to === folder || target === CONTRACT) return [];
		if (
			file.startsWith("src/") &&
			target.startsWith("workers/") &&
			!SHARED_WITH_MAIN.some((it) => target.startsWith(it))
		)
			return [`${file} imports ${target}, which runs in a worker alone; main shares ${SHARED_WITH_MAIN.join(", ")}`];
		return ORDER.indexOf(to) > ORDER.indexOf(folder)
			? []
			: [`${file} imports ${target}: ${to} (${ROOMS[to]}) stands above ${folder}. Move what both need down.`];
	});
}
