/** Who gets the processor first, where the operating system has a priority for each thread. */
import assert from "node:assert/strict";
import os from "node:os";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const WALLS = ["thread", "process"];
const TELLS_ITS_PRIORITY = `
	import { getPriority } from "node:os";
	import { Gauge } from "prom-client";
	const priority = new Gauge({ name: "priority", help: "Nice value of the thread.", labelNames: ["wall"] });
	export function process() {
		priority.set({ wall: "WALL" }, getPriority());
	}
`;
const TELLS_IT_IN_A_TOOL = `
	import { getPriority } from "node:os";
	export default function register(server) {
		server.registerTool("priority", {}, () => ({ content: [{ type: "text", text: String(getPriority()) }] }));
	}
`;

test("metric modules run at a lower priority than main, behind either wall, and MCP modules do not", {
	skip: os.platform() !== "linux",
}, async (t) => {
	const before = os.getPriority();
	const server = await startTestServer(t, {
		files: {
			...Object.fromEntries(WALLS.map((wall) => [`metrics/${wall}.ts`, TELLS_ITS_PRIORITY.replace("WALL", wall)])),
			"mcps/tells.ts": TELLS_IT_IN_A_TOOL,
			"plugins.yaml": "modules: { metrics/process: { isolation: process } }\n",
		},
	});
	let page = "";
	await until(async () => {
		page = await server.metrics();
		return WALLS.every((wall) => sampleOf(page, `priority{wall="${wall}"}`) !== undefined);
	}, "both have been collected");
	for (const wall of WALLS) assert.equal(sampleOf(page, `priority{wall="${wall}"}`), Math.min(19, before + 10), wall);
	assert.equal((await server.execute("priority")).body.content?.[0]?.text, String(before));
	assert.equal(os.getPriority(), before, "main's own is as it was");
});
