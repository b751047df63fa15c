import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";
import * as z from "zod";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { type Message, messagesOf, postModern, postModernCall } from "../support/mcp-post.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const capabilities = { elicitation: { form: {} }, extensions: { "io.modelcontextprotocol/tasks": {} } };
const clientInfo = { name: "test", version: "1" };
const env = { MODULE_START_TIMEOUT_MS: "60000" };
/** Tells of its tasks as one would with the SDK alone. */
const TELLING = `
	import * as z from "zod";
	const tasks = new Map();
	const taskOf = (taskId) => ({ taskId, status: tasks.get(taskId), createdAt: "", lastUpdatedAt: "", ttlMs: null });
	export default (module) => {
		const { server } = module;
		server.registerCapabilities({ extensions: { "io.modelcontextprotocol/tasks": {} } });
		const params = z.looseObject({ taskId: z.string() });
		server.setRequestHandler("tasks/get", { params }, ({ taskId }) => taskOf(taskId));
		const inputSchema = z.object({ taskId: z.string(), tells: z.array(z.any()).default([]) });
		module.registerTool("begin", { inputSchema }, async ({ taskId, tells }) => {
			tasks.set(taskId, "working");
			for (const told of tells) {
				if (tasks.has(told)) tasks.set(told, "cancelled");
				await server.notification({ method: "notifications/tasks", params: taskOf(told) });
			}
			return { ...taskOf(taskId), resultType: "task" };
		});
	};`;

interface Told {
	readonly taskId: string;
	readonly status: string;
	readonly statusMessage?: string;
	readonly inputRequests?: object;
	readonly _meta?: object;
}

/** A client of the SDK, and what it is told of tasks. */
async function connect(t: TestContext, url: string): Promise<{ client: Client; told: readonly Told[] }> {
	const told: Told[] = [];
	const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode: "auto" } });
	t.after(() => client.close());
	client.setNotificationHandler("notifications/tasks", { params: z.looseObject({}) }, (params) => {
		told.push(params as unknown as Told);
	});
	await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
	return { client, told };
}

/** The SDK sends a filter as it is, and has no types for this part of it. */
const forTasks = (...taskIds: readonly unknown[]): object => ({ taskIds });

async function answer(response: Promise<Response>): Promise<Message> {
	const message = (await messagesOf(await response)).at(-1);
	assert.ok(message !== undefined);
	return message;
}

async function createTask({ url }: TestServer, name: string, args: object): Promise<string> {
	const { result } = await answer(postModernCall(url, { name, arguments: args }, { capabilities }));
	assert.equal(result?.resultType, "task");
	return result?.taskId ?? "";
}

function ask({ url }: TestServer, method: "get" | "update" | "cancel", taskId: string, more: object = {}) {
	return answer(postModern(url, `tasks/${method}`, taskId, { taskId, ...more }, { capabilities }));
}

test("a client that listens for its task is told how it is, as tasks/get would say, until it has ended", async (t) => {
	const server = await startTestServer(t, { files: await conformanceModules("_task-store", "tasks", "changing"), env });
	const { client, told } = await connect(t, server.url);
	const taskId = await createTask(server, "confirm_delete", { filename: "f" });
	const other = await createTask(server, "slow_compute", { seconds: 1000 });

	const subscription = await client.listen({ ...forTasks(taskId, "no-such-task"), toolsListChanged: true });
	await until(() => told.length > 0, "it is told at once");
	const [first] = told;
	const got = (await ask(server, "get", taskId)).result;
	assert.deepEqual(
		{ ...first, resultType: "complete", _meta: undefined },
		{ ...got, _meta: undefined },
		"the same as the client would read",
	);
	assert.deepEqual(Object.keys(first?.inputRequests ?? {}), ["confirm"]);
	assert.match(JSON.stringify(first?._meta), /"io.modelcontextprotocol\/subscriptionId":"listen:/);

	await ask(server, "cancel", other);
	await ask(server, "update", taskId, {
		inputResponses: { confirm: { action: "accept", content: { confirm: true } } },
	});
	await until(() => told.at(-1)?.status === "completed", "it is told that the task has ended");
	assert.ok(
		told.every((task) => task.taskId === taskId),
		"it has not asked for the other task",
	);
	await subscription.close();
});

test("what a subscription acknowledges are the client's own tasks, beside what the SDK knows", async (t) => {
	const server = await startTestServer(t, { files: await conformanceModules("_task-store", "tasks"), env });
	const taskId = await createTask(server, "slow_compute", { seconds: 1000 });
	const acknowledged = async (notifications: object): Promise<unknown> => {
		const leaving = new AbortController();
		const options = { capabilities, signal: leaving.signal };
		const response = await postModern(server.url, "subscriptions/listen", undefined, { notifications }, options);
		assert.equal(response.headers.get("content-type"), "text/event-stream");
		const first = await response.body?.getReader().read();
		leaving.abort();
		const [, data = "{}"] = /^data: (.*)$/m.exec(Buffer.from(first?.value ?? []).toString()) ?? [];
		return (JSON.parse(data) as Message).params?.["notifications"];
	};
	assert.deepEqual(await acknowledged({ taskIds: [taskId, "no-such-task", taskId] }), { taskIds: [taskId] });
	assert.deepEqual(await acknowledged({ taskIds: ["no-such-task"], promptsListChanged: true }), {
		promptsListChanged: true,
	});
	assert.deepEqual(await acknowledged({ taskIds: [taskId], resourceSubscriptions: ["a:b"], toolsListChanged: true }), {
		taskIds: [taskId],
		resourceSubscriptions: ["a:b"],
		toolsListChanged: true,
	});

	const refused = (notifications: object, options: object) =>
		answer(postModern(server.url, "subscriptions/listen", undefined, { notifications }, options));
	const { error } = await refused({ taskIds: [taskId] }, {});
	assert.deepEqual(
		[error?.code, error?.data],
		[-32021, { requiredCapabilities: { extensions: capabilities.extensions } }],
	);
	for (const taskIds of ["t", [7], { length: 1 }]) {
		assert.equal((await refused({ taskIds }, { capabilities })).error?.code, -32602);
	}
	assert.equal(
		(await refused({ taskIds: [taskId], resourceSubscriptions: "a:b" }, { capabilities })).error?.code,
		-32602,
	);
});

test("a research query runs as a task: the extension's own client polls it, answers its question and has its report", async (t) => {
	const server = await startTestServer(t, { files: await conformanceModules("_task-store", "research"), env });
	const { client, told } = await connect(t, server.url);
	const questions: unknown[] = [];
	const session = createTaskSessionFromClient(client, {
		endpointId: "test",
		v2RequestFraming: { protocolVersion: "2026-07-28", clientInfo, clientCapabilities: capabilities },
		// The SDK's client knows no results of the extension, so the session's requests go past it.
		async rawDispatch(request) {
			const { method, params } = request as { method: string; params: { name?: string; taskId?: string } };
			const { result, error } = await answer(
				postModern(server.url, method, params.taskId ?? params.name, params, { capabilities }),
			);
			return error === undefined
				? { kind: "result", result: result as never }
				: { kind: "error", error: error as never };
		},
		onInputRequest: (request) => {
			questions.push(request.params?.["message"]);
			return Promise.resolve({ action: "accept", content: { interpretation: "historical" } } as never);
		},
	});
	t.after(() => session.close());
	const query = { topic: "python", ambiguous: true, stageMs: 5 };
	const execution = await session.callTool("simulate-research-query", query);
	assert.ok(execution.kind === "task");
	const subscription = await client.listen(forTasks(execution.handle.taskId));
	const { outcome } = await execution.settle();
	const report = JSON.stringify(resultFromTaskOutcome(outcome));
	assert.match(report, /# Research Report: python \(historical\)/);
	assert.match(report, /Gathering sources.*Analyzing content.*Synthesizing findings.*Generating report/);
	assert.deepEqual(questions, ['"python" has several meanings. Which one?']);
	await until(() => told.at(-1)?.status === "completed", "the SDK's client, which listens, hears of it too");
	await subscription.close();
});

test("however many listen for tasks of a module that does not answer, others are served by it", async (t) => {
	const silent = TELLING.replace("({ taskId }) => taskOf(taskId)", "() => new Promise(() => {})");
	const server = await startTestServer(t, {
		files: { "mcps/telling.js": silent },
		env: { ...env, CALL_CONCURRENCY: "2", CALL_QUEUE: "2" },
	});
	const { client } = await connect(t, server.url);
	for (let stream = 0; stream < 20; stream++) {
		await client.listen(forTasks(await createTask(server, "begin", { taskId: `t${stream}` })));
	}
	const calls = Array.from({ length: 3 }, () => server.execute("begin", { taskId: "another" }));
	for (const { body } of await Promise.all(calls)) assert.notEqual(body.code, "MODULE_BUSY");
});

test("a client that listens is told how its task is when another generation of the module serves", async (t) => {
	const answering = (status: string): string => TELLING.replace("status: tasks.get(taskId)", `status: "${status}"`);
	const server = await startTestServer(t, { files: { "mcps/telling.js": answering("working") }, env });
	const { client, told } = await connect(t, server.url);
	const subscription = await client.listen(forTasks(await createTask(server, "begin", { taskId: "kept" })));
	await until(() => told.length > 0, "it is told at once");
	await server.save("mcps/telling.js", answering("completed"));
	await until(() => told.length > 1, "it is told again", 60_000);
	assert.deepEqual(
		told.map(({ status }) => status),
		["working", "completed"],
	);
	await subscription.close();
});

test("the tasks of a module whose file is gone are nobody's, also when another has its name", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/telling.js": TELLING }, env });
	const taskId = await createTask(server, "begin", { taskId: "kept" });
	assert.equal((await ask(server, "get", taskId)).result?.resultType, "complete");
	await server.remove("mcps/telling.js");
	await until(async () => (await fetch(`${server.url}/api/modules/mcps/telling`)).status === 404, "it is gone", 60_000);
	await server.save("mcps/telling.js", TELLING.replace("tasks.get(taskId)", '"working"'));
	const state = async (): Promise<string> => (await server.module("mcps/telling")).state;
	await until(async () => (await state()) === "running", "there is another", 60_000);
	assert.equal((await ask(server, "get", taskId)).error?.code, -32602);
});

test("a module may tell of a task with the SDK's own notification, and of its own tasks only", async (t) => {
	const server = await startTestServer(t, {
		files: { ...(await conformanceModules("_task-store", "tasks")), "mcps/telling.js": TELLING },
		env,
	});
	const { client, told } = await connect(t, server.url);
	const mine = await createTask(server, "begin", { taskId: "mine" });
	const others = await createTask(server, "slow_compute", { seconds: 1000 });
	const subscription = await client.listen(forTasks(mine, others));
	await until(() => told.length === 2, "it is told of both");
	await createTask(server, "begin", { taskId: "next", tells: [others, "x".repeat(1000), 7, mine] });
	await until(() => told.length > 2, "it is told of the one that is the module's");
	assert.deepEqual([told[2]?.taskId, told[2]?.status], [mine, "cancelled"]);
	assert.equal((await server.module("mcps/telling")).state, "running");
	await subscription.close();
});
