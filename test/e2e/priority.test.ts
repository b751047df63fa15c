/** Who gets the processor first, where the operating system has a priority for each thread. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { NO_PROCESS_ISOLATION } from "../support/separate-user.ts";
import { startHostProcess } from "../support/host-process.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** sched(7); `/proc` does not show SCHED_RESET_ON_FORK. */
const SCHED_OTHER = 0;
const SCHED_RR = 2;

const WALLS = ["thread", "process"];
const TELLS_ITS_PRIORITY = `
	import { getPriority } from "node:os";
	import { Gauge } from "prom-client";
	const labelNames = ["wall"];
	const working = new Gauge({ name: "priority", help: "Nice value of the thread in process().", labelNames });
	new Gauge({
		name: "priority_outside",
		help: "And when what it has done is read.",
		labelNames,
		collect() {
			this.set({ wall: "WALL" }, getPriority());
		},
	});
	export function process() {
		working.set({ wall: "WALL" }, getPriority());
	}
`;
const TELLS_IT_IN_A_TOOL = `
	import { getPriority } from "node:os";
	export default function register(server) {
		server.registerTool("priority", {}, () => ({ content: [{ type: "text", text: String(getPriority()) }] }));
	}
`;

test("metric modules run at a lower priority than main, behind either wall, most of all in process(), and MCP modules do not", {
	skip: os.platform() !== "linux" || NO_PROCESS_ISOLATION,
}, async (t) => {
	const before = os.getPriority();
	const server = await startTestServer(t, {
		files: {
			...Object.fromEntries(WALLS.map((wall) => [`metrics/${wall}.ts`, TELLS_ITS_PRIORITY.replaceAll("WALL", wall)])),
			"mcps/tells.ts": TELLS_IT_IN_A_TOOL,
			"plugins.yaml": "modules: { metrics/process: { isolation: process } }\n",
		},
	});
	let page = "";
	await until(async () => {
		page = await server.metrics();
		return WALLS.every((wall) => sampleOf(page, `priority{wall="${wall}"}`) !== undefined);
	}, "both have been collected");
	for (const wall of WALLS) {
		assert.equal(sampleOf(page, `priority{wall="${wall}"}`), Math.min(19, before + 10), wall);
	}
	// To go up again takes a privilege, which a module's process has given away with root.
	const mayRise = process.getuid?.() === 0;
	const outside = WALLS.map((wall) => sampleOf(page, `priority_outside{wall="${wall}"}`));
	assert.deepEqual(outside, [before + (mayRise ? 5 : 10), before + 10]);
	assert.equal((await server.execute("priority")).body.content?.[0]?.text, String(before));
	assert.equal(os.getPriority(), before, "main's own is as it was");
});

for (const [value, policies] of [
	["realtime", [SCHED_RR, SCHED_OTHER]],
	["normal", [SCHED_OTHER]],
] as const) {
	test(`with MAIN_PRIORITY=${value} the threads of a host have these scheduling policies: ${policies.join()}`, {
		skip: os.platform() !== "linux" || process.getuid?.() !== 0 || os.availableParallelism() < 2,
	}, async (t) => {
		const folder = await mkdtemp(path.join(os.tmpdir(), "bulkhead-priority-"));
		t.after(() => rm(folder, { recursive: true, force: true }));
		const supervisor = startHostProcess(t, folder, { MAIN_PRIORITY: value });
		await supervisor.ready();
		const children = `/proc/${supervisor.child.pid}/task/${supervisor.child.pid}/children`;
		const host = readFileSync(children, "utf8").trim();
		await until(() => policyOf(host, host) === policies[0], `the main thread has the policy ${policies[0]}`);
		const others = readdirSync(`/proc/${host}/task`).filter((thread) => thread !== host);
		assert.ok(others.length > 0);
		for (const thread of others) assert.equal(policyOf(host, thread), SCHED_OTHER);
		assert.equal(policyOf(String(supervisor.child.pid), String(supervisor.child.pid)), SCHED_OTHER);
	});
}

/** proc(5): the 41st field, of which the name in parentheses is the second and may hold anything. */
function policyOf(pid: string, thread: string): number {
	const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
	return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38]);
}
