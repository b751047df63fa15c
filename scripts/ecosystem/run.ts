/**
 * `npm run ecosystem`: uses the most used packages of the field in modules, in the default sandbox, each as an MCP module
 * (ES module) and as a metric module (CommonJS), and prints what works. Needs a registry for its first run.
 */
import { execFileSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { startServer } from "../../src/composition/start-server.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Logger } from "../../src/logging/logger.ts";
import type { EcosystemPackage } from "./packages/ecosystem-package.ts";
import { PACKAGES } from "./packages.ts";

const HERE = import.meta.dirname;
/** Modules that run at once. */
const BATCH = 12;
const LEAST_SHARE = 0.98;
const START_TIMEOUT_MS = "60000";
const FLAVOURS = ["mcps", "metrics"] as const;
type Flavour = (typeof FLAVOURS)[number];

interface Outcome {
	readonly name: string;
	readonly flavour: Flavour;
	/** Undefined: it works. */
	readonly problem: string | undefined;
}

function wanted(names: readonly string[]): readonly EcosystemPackage[] {
	return names.length === 0 ? PACKAGES : PACKAGES.filter(({ name }) => names.includes(name));
}

async function runBatch(batch: readonly EcosystemPackage[]): Promise<readonly Outcome[]> {
	const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "bulkhead-ecosystem-")));
	chmodSync(folder, 0o755); // a module in a process may run as another user
	symlinkSync(path.join(HERE, "node_modules"), path.join(folder, "node_modules"));
	writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "a-project", version: "1.0.0" }));
	for (const kind of FLAVOURS) mkdirSync(path.join(folder, kind));
	for (const each of batch) {
		writeFileSync(path.join(folder, "mcps", `${idOf(each.name)}.mjs`), asTool(each));
		writeFileSync(path.join(folder, "metrics", `${idOf(each.name)}.cjs`), asMetric(each));
	}
	const loaded = loadConfig({ PORT: "0", MODULE_START_TIMEOUT_MS: START_TIMEOUT_MS, MODULE_MEMORY_MB: "512" }, folder);
	if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
	const server = await startServer({ config: loaded.config, log: QUIET });
	try {
		const found: Outcome[] = [];
		for (const { name } of batch) {
			found.push({ name, flavour: "mcps", problem: await askTool(server.url, name) });
			found.push({ name, flavour: "metrics", problem: await askMetric(server.url, name) });
		}
		return found;
	} finally {
		await server.close();
		rmSync(folder, { recursive: true, force: true });
	}
}

function idOf(name: string): string {
	return name.replaceAll(/[^a-z0-9]+/gi, "-").replace(/^-/, "");
}

/** What a use has at hand: servers of its own to talk to, and clients of servers that are not there. */
const AT_HAND = `
const http = process.getBuiltinModule("node:http"), https = process.getBuiltinModule("node:https"), stream = process.getBuiltinModule("node:stream");
const local = (answer, use) => new Promise((done, fail) => {
	const answered = (_request, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
	const server = http.createServer(typeof answer === "function" ? answer : answered);
	const close = () => { server.close(); server.closeAllConnections(); };
	server.listen(0, "127.0.0.1", () => {
		const { port } = server.address();
		Promise.resolve(use("http://127.0.0.1:" + port, port, server)).then(done, fail).finally(close);
	});
});
const text = async (url, options) => (await fetch(url, options)).text();
const isRefused = (error) => [error, error.cause, ...(error.errors ?? [])].some((each) => /refused/i.test(String(each?.code) + String(each?.message)));
const refused = (promise) => promise.then(() => false, (error) => isRefused(error) || Promise.reject(error));
`;

function asTool({ name, use }: EcosystemPackage): string {
	return `import * as n from ${JSON.stringify(name)};
${AT_HAND}
const import_meta_file = import.meta.filename;
const p = n.default ?? n;
const used = await (async () => (${use}))();
export default (server) => server.registerTool(${JSON.stringify(idOf(name))}, {}, () => ({ content: [{ type: "text", text: used ? "works" : "answers wrongly" }] }));
`;
}

function asMetric({ name, use }: EcosystemPackage): string {
	return `const { Gauge } = require("prom-client");
${AT_HAND}
const n = require(${JSON.stringify(name)});
const import_meta_file = __filename;
const p = n.default ?? n;
const works = new Gauge({ name: ${JSON.stringify(`works_${idOf(name).replaceAll("-", "_")}`)}, help: "Whether the package works" });
exports.start = async () => { if (!(await (async () => (${use}))())) throw new Error("it answers wrongly"); works.set(1); };
exports.process = () => {};
`;
}

async function askTool(url: string, name: string): Promise<string | undefined> {
	const response = await fetch(`${url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: idOf(name), arguments: {} }),
	});
	const body = (await response.json()) as { content?: readonly { text: string }[] };
	const text = body.content?.[0]?.text;
	return text === "works" ? undefined : (text ?? (await problemOf(url, `mcps/${idOf(name)}`)));
}

async function askMetric(url: string, name: string): Promise<string | undefined> {
	const id = `metrics/${idOf(name)}`;
	const { state } = (await (await fetch(`${url}/api/modules/${id}`)).json()) as { state: string };
	return state === "running" ? undefined : problemOf(url, id);
}

async function problemOf(url: string, id: string): Promise<string> {
	const view = (await (await fetch(`${url}/api/modules/${id}`)).json()) as Readonly<
		Record<string, { readonly message?: string } | undefined>
	>;
	return view["load_error"]?.message ?? view["last_error"]?.message ?? JSON.stringify(view).slice(0, 300);
}

/** @returns whether it works */
function print({ name, needs }: EcosystemPackage, found: readonly Outcome[]): boolean {
	const problems = found.filter((each) => each.name === name && each.problem !== undefined);
	const [problem] = problems;
	const where =
		problems.length === FLAVOURS.length ? "" : ` (as ${problem?.flavour === "mcps" ? "ES module" : "CommonJS"})`;
	const reason = problem === undefined ? "works" : `${needs ?? problem.problem?.split("\n")[0]}${where}`;
	console.log(`| ${name} | ${reason.slice(0, 300)} |`);
	return problem === undefined;
}

const nothing = (): void => undefined;
const QUIET: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => QUIET };

const packages = wanted(process.argv.slice(2));
if (!existsSync(path.join(HERE, "node_modules"))) {
	const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"];
	execFileSync("npm", ["ci", ...flags], { cwd: HERE, stdio: "inherit" });
}
let working = 0;
for (let first = 0; first < packages.length; first += BATCH) {
	const batch = packages.slice(first, first + BATCH);
	const outcomes = await runBatch(batch);
	working += batch.filter((each) => print(each, outcomes)).length;
}
const share = working / packages.length;
console.log(`\n${working} of ${packages.length} packages work without a grant (${(share * 100).toFixed(1)} %).`);
process.exitCode = share >= LEAST_SHARE ? 0 : 1;
