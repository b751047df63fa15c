/** Owners of metric names over restarts of the whole host. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { MAX_DURATION_MS } from "../../src/launch/launch-contract.ts";
import { startServer } from "../../src/composition/start-server.ts";
import { childrenOf } from "../support/chaos-resources.ts";
import { startHostProcess } from "../support/host-process.ts";
import { type ModuleView, sampleOf, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Comes after the other in the alphabet, and takes longer to be collected. */
const OWNER = `
	import { setTimeout } from "node:timers/promises";
	import { Gauge } from "prom-client";
	const contested = new Gauge({ name: "contested", help: "The owner's." });
	export async function process() {
		await setTimeout(1500);
		contested.set(1);
	}
`;
const LATER = `
	import { Counter, Gauge } from "prom-client";
	const contested = new Counter({ name: "contested", help: "The later one's." });
	const own = new Gauge({ name: "uncontested", help: "Nobody else's." });
	export function process() {
		contested.inc(2);
		own.set(2);
	}
`;

test("the module that had a name first owns it after restarts of the host", async (t) => {
	const { run, folder } = await hosts(t);
	await run(["z"]);
	await writeFile(path.join(folder, "metrics/a.ts"), LATER);
	for (let restarts = 0; restarts < 2; restarts++) {
		assert.deepEqual(await run(["a", "z"]), { contested: 1, uncontested: 2, dropped: ["contested type_conflict"] });
	}
});

test("an owner whose file went while the host was down owns nothing", async (t) => {
	const { run, folder } = await hosts(t);
	await run(["z"]);
	await rm(path.join(folder, "metrics/z.ts"));
	await writeFile(path.join(folder, "metrics/a.ts"), LATER);
	await run(["a"]);
	const { contested, dropped } = await run(["a"]);
	assert.deepEqual({ contested, dropped }, { contested: 2, dropped: [] });
});

test("a host whose STATE_DIR is gone starts as for the first time", async (t) => {
	const { run, folder, stateDir } = await hosts(t);
	await run(["z"]);
	await rm(stateDir, { recursive: true });
	await writeFile(path.join(folder, "metrics/a.ts"), LATER);
	const { contested, dropped } = await run(["a", "z"]);
	assert.deepEqual({ contested, dropped }, { contested: 2, dropped: [] }, "z was collected later");
});

test("a host that is killed knows the owners when it is back", async (t) => {
	const { folder } = await hosts(t);
	const supervisor = startHostProcess(t, folder, { COLLECT_INTERVAL_MS: "300" });
	await supervisor.ready();
	const file = path.join(folder, ".bulkhead/metric-owners.jsonl");
	await until(
		async () => existsSync(file) && (await readFile(file, "utf8")).includes('"contested","gauge"'),
		"the owner is kept",
	);
	await writeFile(path.join(folder, "metrics/a.ts"), LATER);
	await until(async () => (await seen(urlOf(supervisor.errors()))).dropped.length > 0, "the later one is dropped");
	for (const pid of childrenOf(supervisor.child.pid ?? 0)) process.kill(pid, "SIGKILL");
	const later = async () => seen(urlOf(supervisor.errors()));
	await until(
		async () => (await later()).contested !== undefined && (await later()).uncontested !== undefined,
		"both are collected again",
		30_000,
	);
	assert.equal(supervisor.errors().match(/ready at /g)?.length, 2, "by another host");
	assert.deepEqual(await later(), { contested: 1, uncontested: 2, dropped: ["contested type_conflict"] });
});

interface Seen {
	readonly contested: number | undefined;
	readonly uncontested: number | undefined;
	/** What the later module has lost. */
	readonly dropped: readonly string[];
}

/** One host after the other over the same folders, at first with the owner alone. */
async function hosts(t: TestContext) {
	const { folder, options } = await testSetup(t, { files: { "metrics/z.ts": OWNER } });
	return {
		folder,
		stateDir: options.config.stateDir,
		/** What there is to see when each of these modules has been collected once. */
		async run(modules: readonly string[]): Promise<Seen> {
			const server = await startServer({
				...options,
				config: { ...options.config, collectIntervalMs: MAX_DURATION_MS },
			});
			try {
				for (const name of modules) {
					await until(
						async () => ((await moduleView(server.url, name)).collection ?? null) !== null,
						`${name} is collected`,
					);
				}
				return await seen(server.url);
			} finally {
				await server.close();
			}
		},
	};
}

/** Nothing at all while no host answers. */
async function seen(url: string): Promise<Seen> {
	try {
		const text = await (await fetch(`${url}/metrics`)).text();
		const { collection } = await moduleView(url, "a");
		return {
			contested: sampleOf(text, "contested"),
			uncontested: sampleOf(text, "uncontested"),
			dropped: (collection?.drops ?? []).map(({ family, reason }) => `${family} ${reason}`),
		};
	} catch {
		return { contested: undefined, uncontested: undefined, dropped: [] };
	}
}

async function moduleView(url: string, name: string): Promise<Partial<ModuleView>> {
	return (await (await fetch(`${url}/api/modules/metrics/${name}`)).json()) as Partial<ModuleView>;
}

/** The host that is up now, or was last. */
function urlOf(errors: string): string {
	return [...errors.matchAll(/ready at (http:\/\/[^\s"]+)/g)].at(-1)?.[1] ?? "";
}
