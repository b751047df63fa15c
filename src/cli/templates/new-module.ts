/** What `bulkhead new` writes: modules that pass `bulkhead check`, each with a test for `node --test`. */

export function metricModule(name: string): string {
	return `import { Gauge } from "prom-client";

// Names end in their unit (_seconds, _bytes), counters in _total; the help says what it is that is measured.
const freshness = new Gauge({
	name: "${metricName(name)}_last_run_timestamp_seconds",
	help: "When ${name} was brought up to date",
});

/** Runs on a schedule, every COLLECT_INTERVAL_MS. Throwing costs this collection, not the module. */
export function process() {
	freshness.setToCurrentTime();
}
`;
}

export function metricTest(name: string): string {
	return `import assert from "node:assert/strict";
import { test } from "node:test";
import { register } from "prom-client";
import { process } from "./${name}.ts";

test("${name} is brought up to date", async () => {
	await process();
	const page = await register.metrics();
	assert.match(page, /^${metricName(name)}_last_run_timestamp_seconds \\d/m);
});
`;
}

export function mcpModule(name: string): string {
	return `import type { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** Registers what the module offers. It may run any number of times: what is expensive lives at module scope. */
export default function register(server: McpServer) {
	server.registerTool(
		"${toolNameOf(name)}",
		{
			description: "Greets somebody by name",
			inputSchema: z.object({ name: z.string().describe("Whom to greet") }),
		},
		({ name }) => ({ content: [{ type: "text", text: \`Hello, \${name}!\` }] }),
	);
}
`;
}

export function mcpTest(name: string): string {
	return `import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { McpServer } from "@modelcontextprotocol/server";
import register from "./${name}.ts";

test("${toolNameOf(name)} greets", async (t) => {
	const server = new McpServer({ name: "test", version: "1" });
	register(server);
	const [near, far] = InMemoryTransport.createLinkedPair();
	const client = new Client({ name: "test", version: "1" });
	await Promise.all([server.connect(far), client.connect(near)]);
	t.after(() => client.close());

	const result = await client.callTool({ name: "${toolNameOf(name)}", arguments: { name: "Ann" } });
	assert.deepEqual(result.content, [{ type: "text", text: "Hello, Ann!" }]);
});
`;
}

/** A tool's name as clients like it. */
export function toolNameOf(name: string): string {
	return name.replace(/[^A-Za-z0-9_]/g, "_");
}

function metricName(name: string): string {
	const text = name.replace(/[^A-Za-z0-9_]/g, "_");
	return /^\d/.test(text) ? `m_${text}` : text;
}
