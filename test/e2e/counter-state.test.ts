/** Counters of real modules over restarts of the whole host. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startServer } from "../../src/server.ts";
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

/** One host after the other over the same folders, each of which collects every module once. */
async function hosts(t: TestContext) {
	const setup = await testSetup(t, { files: { "metrics/counts.ts": COUNTS } });
	const { folder, options } = setup;
	return {
		folder,
		save: (file: string) => writeFile(path.join(folder, file), COUNTS),
		/** The counter as the page shows it after the module's first collection. */
		async run(counterState: boolean, module = "metrics/counts"): Promise<number | undefined> {
			const server = await startServer({ ...options, config: { ...options.config, counterState } });
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
