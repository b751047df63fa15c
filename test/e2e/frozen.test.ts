import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startChaosHost } from "../support/chaos-host.ts";
import { until } from "../support/until.ts";

/** Busy enough that it is always being asked whether it still turns. */
const BUSY = `import { Gauge } from "prom-client";
	const turns = new Gauge({ name: "NAME_turns", help: "Turns of the busy loop" });
	const turn = () => {
		for (const until = performance.now() + 40; performance.now() < until; );
		turns.inc();
		setImmediate(turn);
	};
	turn();
	export function process() {}`;
const FREEZES = 4;
const HANG_TIMEOUT_MS = 3000;
/** Nobody misses a deadline because the machine is busy. */
const DEADLINES = {
	HANG_TIMEOUT_MS: String(HANG_TIMEOUT_MS),
	MODULE_START_TIMEOUT_MS: "30000",
	COLLECT_TIMEOUT_MS: "30000",
};

test("a machine that was suspended is nobody's fault", async (t) => {
	const ids = ["metrics/busy_a", "metrics/busy_b", "metrics/busy_c"];
	const files = Object.fromEntries(ids.map((id) => [`${id}.js`, BUSY.replace("NAME", id.slice("metrics/".length))]));
	const host = await startChaosHost({ files, env: DEADLINES });
	t.after(() => host.close());
	const turns = async (): Promise<number> => Number(/^busy_a_turns (\d+)$/m.exec(await host.page())?.[1] ?? 0);
	for (let freeze = 1; freeze <= FREEZES; freeze++) {
		const before = await turns();
		await until(async () => (await turns()) > before, "it turns");
		process.kill(host.pid, "SIGSTOP");
		await sleep(HANG_TIMEOUT_MS * 1.5); // is what happens to it, not what is waited for
		process.kill(host.pid, "SIGCONT");
	}
	const before = await turns();
	await until(async () => (await turns()) > before, "it turns again");
	for (const id of ids) {
		const view = await host.module(id);
		assert.deepEqual(view?.restarts, {}, `${id}: ${view?.last_restart?.problem.message}`);
	}
});
