/**
 * Whether a host grows by being used: reloads modules and lets them crash, again and again, and compares what it holds
 * with what it held after the first tenth. Prints one JSON document, and ends with 1 where it has grown.
 *
 * `npm run reloads -- --reloads 10000 --crashes 1000 [--modules 8]`
 */
import { parseArgs } from "node:util";
import { type ChaosHost, startChaosHost } from "../test/support/chaos-host.ts";
import { givenBack } from "../test/support/chaos-case.ts";
import { settledRss } from "../test/support/chaos-resources.ts";
import { until } from "../test/support/until.ts";
import { messageOf } from "../src/core/errors.ts";

const { values } = parseArgs({
	options: {
		reloads: { type: "string", default: "10000" },
		crashes: { type: "string", default: "1000" },
		/** That are saved at the same time. */
		modules: { type: "string", default: "8" },
	},
});
const [reloads, crashes, modules] = [Number(values.reloads), Number(values.crashes), Number(values.modules)];
if (!(reloads >= modules * 10) || crashes > reloads || !(modules >= 1)) {
	throw new Error("there are at least ten reloads for each module, and at most one crash for each reload");
}

/** How far RSS may be above what it was after the first tenth. */
const MOST_RSS_RATIO = 1.1;
const STEP_DEADLINE_MS = 30_000;

const ids = Array.from({ length: modules }, (_, index) => `mcps/reloaded-${index}`);
const host = await startChaosHost({ files: Object.fromEntries(ids.map((id) => [`${id}.ts`, sourceOf(0)])) });
const rounds = Math.ceil(reloads / modules);
const warmRounds = Math.ceil(rounds / 10);
const startedAt = performance.now();
let crashed = 0;
let warm: { readonly resources: Awaited<ReturnType<ChaosHost["resources"]>>; readonly rssBytes: number } | undefined;

for (let round = 1; round <= rounds; round++) {
	await Promise.all(ids.map((id) => reload(id, round)));
	// A save is a fresh start, after which the first crash is made good at once.
	const due = Math.floor((crashes * round) / rounds) - crashed;
	await Promise.all(ids.slice(0, due).map((id) => crash(id, round)));
	crashed += Math.min(due, ids.length);
	if (round === warmRounds) warm = { resources: await host.resources(), rssBytes: await settledRss(host.pid) };
}
if (warm === undefined) throw new Error("there were too few rounds");

const kept = await givenBack(host, warm.resources, { timers: true }).then(() => undefined, messageOf);
const endRssBytes = await settledRss(host.pid);
const leakWarnings = host.log().match(/MaxListenersExceededWarning[^"\n]*/g) ?? [];
const isFirst = host.isFirst();
await host.close();

const ratio = endRssBytes / warm.rssBytes;
const isGood = isFirst && kept === undefined && ratio <= MOST_RSS_RATIO && leakWarnings.length === 0;
const result = {
	node: process.version,
	reloads: rounds * modules,
	crashes: crashed,
	seconds: Math.round((performance.now() - startedAt) / 1000),
	hostDied: !isFirst,
	kept: kept ?? null,
	listenerWarnings: leakWarnings,
	rss: { afterFirstTenthBytes: warm.rssBytes, endBytes: endRssBytes, ratio },
	good: isGood,
};
process.stdout.write(`${JSON.stringify(result, undefined, "\t")}\n`);
process.exitCode = isGood ? 0 : 1;

async function reload(id: string, version: number): Promise<void> {
	await host.save(id, sourceOf(version));
	await until(() => answers(id, version), `version ${version} of ${id} answers`, STEP_DEADLINE_MS);
}

async function crash(id: string, version: number): Promise<void> {
	const { generation } = (await host.module(id)) ?? {};
	await host.execute(`${nameOf(id)}.crash`);
	await until(
		async () => {
			const module = await host.module(id);
			return module?.state === "running" && module.generation !== generation && (await answers(id, version));
		},
		`${id} is running again`,
		STEP_DEADLINE_MS,
	);
}

async function answers(id: string, version: number): Promise<boolean> {
	const { status, body } = await host.execute(`${nameOf(id)}.version`);
	return status === 200 && body.includes(`"version ${version}"`);
}

function nameOf(id: string): string {
	return id.slice("mcps/".length);
}

function sourceOf(version: number): string {
	return `import type { McpServer } from "@modelcontextprotocol/server";
import type { ModuleContext } from "bulkhead-host/contract";
export default function register(server: McpServer, { id }: ModuleContext): void {
	const name = id.slice("mcps/".length);
	const text = "version ${version}";
	server.registerTool(\`\${name}.version\`, {}, () => ({ content: [{ type: "text", text }] }));
	server.registerTool(\`\${name}.crash\`, {}, () => {
		setImmediate(() => {
			throw new Error("crashes as it was told");
		});
		return new Promise(() => undefined);
	});
}
`;
}
