import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import * as z from "zod";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TASKS = "io.modelcontextprotocol/tasks";
const ANY = z.looseObject({});

test("x", async (t) => {
	const { url } = await startTestServer(t, {
		files: await conformanceModules("_task-store", "research"),
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const client = new Client({ name: "c", version: "1" }, { capabilities: { elicitation: { form: {} }, extensions: { [TASKS]: {} } } , versionNegotiation: { mode: "auto" } });
	t.after(() => client.close());
	const told: any[] = [];
	client.setNotificationHandler("notifications/tasks", { params: ANY }, (params) => void told.push(params));
	await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
	const created: any = await client.request({ method: "tools/call", params: { name: "simulate-research-query", arguments: { topic: "python", ambiguous: true, stageMs: 10 } } }, ANY);
	console.log(created);
	const s = await client.listen({ taskIds: [created.taskId] } as any);
	console.log(s);
	await until(() => told.some((x) => x.status === "input_required"), "asked");
	await client.request({ method: "tasks/update", params: { taskId: created.taskId, inputResponses: { interpretation: { action: "accept", content: { interpretation: "technical" } } } } }, ANY);
	await until(() => told.some((x) => x.status === "completed"), "completed");
	console.log(JSON.stringify(told, null, 1));
	await s.close();
});
