/** Counters of real modules over restarts of the whole host. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { MAX_DURATION_MS } from "../../src/launch/launch-contract.ts";
import { startServer } from "../../src/composition/start-server.ts";
import { childrenOf } from "../support/chaos-resources.ts";
import { startHostProcess } from "../support/host-process.ts";
import { sampleOf, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const COUNTS = `
	import { Counter } from "prom-client";
	const counted = new Counter({ name: "counted_total", help: "Three a collection." });
	export function process() {
		counted.inc(3);
	}
`;

test("with COUNTER_STATE a counter goes on after each restart of the host", async (t) => {
	const { run } = await hosts(t);
	assert.deepEqual([await run(true), await run(true), await run(true)], [3, 6, 9]);
});

test("without it a counter begins again, and what another host kept is forgotten", async (t) => {
	const { run } = await hosts(t);
	assert.deepEqual([await run(true), await run(false), await run(true)], [3, 3, 3]);
});

test("a module whose file went while the host was down begins again", async (t) => {
	const { run, folder, save } = await hosts(t);
	assert.equal(await run(true), 3);
	await rm(path.join(folder, "metrics/counts.ts"));
	await save("metrics/other.ts");
	await run(true, "metrics/other");
	await save("metrics/counts.ts");
	await rm(path.join(folder, "metrics/other.ts"));
	assert.equal(await run(true), 3);
});

test("a host that is killed loses no increment that was on its page, and no counter falls", async (t) => {
	const { folder } = await hosts(t);
	const supervisor = startHostProcess(t, folder, { COUNTER_STATE: "true", COLLECT_INTERVAL_MS: "100" });
	await supervisor.ready();
	const shown: number[] = [];
	const page = async (): Promise<string> => {
		// The one that is up now; there is none for a moment after each kill.
		const url = [...supervisor.errors().matchAll(/ready at (http:\/\/[^\s"]+)/g)].at(-1)?.[1] ?? "";
		const text = await fetch(`${url}/metrics`).then(
			(response) => response.text(),
			() => "",
		);
		const counted = sampleOf(text, "counted_total");
		if (counted !== undefined) shown.push(counted);
		return text;
	};
	for (let kills = 0; kills < 3; kills++) {
		const before = shown.at(-1) ?? 0;
		const killed = `mcp_host_restarts_total{reason="signal"} ${kills}\n`;
		await until(
			async () => (await page()).includes(killed) && (shown.at(-1) ?? 0) > before + 3,
			`it counts after ${kills} kills`,
			30_000,
		);
		for (const pid of childrenOf(supervisor.child.pid ?? 0)) process.kill(pid, "SIGKILL");
	}
	assert.deepEqual(
		shown,
		shown.toSorted((one, other) => one - other),
	);
	assert.deepEqual(new Set(shown.map((count) => count % 3)), new Set([0]));
});

/** One host after the other over the same folders, each of which collects every module once. */
async function hosts(t: TestContext) {
	const setup = await testSetup(t, { files: { "metrics/counts.ts": COUNTS } });
	const { folder, options } = setup;
	return {
		folder,
		save: (file: string) => writeFile(path.join(folder, file), COUNTS),
		/** The counter as the page shows it after the module's first collection. */
		async run(counterState: boolean, module = "metrics/counts"): Promise<number | undefined> {
			const config = { ...options.config, counterState, collectIntervalMs: MAX_DURATION_MS };
			const server = await startServer({ ...options, config });
			try {
				await until(async () => {
					const view = await (await fetch(`${server.url}/api/modules/${module}`)).json();
					return (view as { collection: unknown }).collection !== null;
				}, `${module} is collected`);
				return sampleOf(await (await fetch(`${server.url}/metrics`)).text(), "counted_total");
			} finally {
				await server.close();
			}
		},
	};
}
