import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createMcpHandler, ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import { requestScope } from "../../../src/mcp/calls/request-context.ts";
import { createTaskNotices, type TaskNoticesOptions } from "../../../src/mcp/subscriptions/task-subscriptions.ts";
import { createTaskOwners } from "../../../src/mcp/calls/task-owners.ts";
import type { Message } from "../../support/mcp-post.ts";
import { until } from "../../support/until.ts";

const META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } },
};

function newServer(): Server {
	return new Server({ name: "s", version: "1" }, { capabilities: { resources: { subscribe: true } } });
}

/** Ann's tasks t0 to t199, half of them of each of two modules, and Bob's; how often each module was asked. */
function setup(t: TestContext, answer: (taskId: string) => Promise<Readonly<Record<string, unknown>>>) {
	const owners = createTaskOwners();
	for (let task = 0; task < 200; task++) owners.add(`t${task}`, task % 2 === 0 ? "mcps/even" : "mcps/odd", "ann");
	owners.add("bobs", "mcps/even", "bob");
	const asked: string[] = [];
	const handler = createMcpHandler(newServer, { legacy: "reject" });
	t.after(() => handler.close());
	const gateway: TaskNoticesOptions["gateway"] = {
		taskOwner: (taskId, origin) => owners.owner(taskId, origin.authInfo?.clientId),
		getTask({ taskId }) {
			asked.push(taskId);
			return answer(taskId);
		},
	};
	const onError = (error: Error): void => assert.fail(error);
	return {
		asked,
		close: handler.close,
		notices: createTaskNotices({ fetch: handler.fetch, gateway, hasTasks: () => true, onError }),
	};
}

/** Listens as Ann; returns what reads the next event. */
async function listen(
	{ fetch }: ReturnType<typeof createTaskNotices>,
	taskIds: readonly string[],
	signal = new AbortController().signal,
): Promise<() => Promise<Message | undefined>> {
	const params = { notifications: { taskIds }, _meta: META };
	const parsedBody = { jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params };
	const headers = {
		"content-type": "application/json",
		"mcp-protocol-version": "2026-07-28",
		"mcp-method": "subscriptions/listen",
	};
	const request = new Request("http://host/mcp", { method: "POST", headers, body: JSON.stringify(parsedBody), signal });
	const origin = { client: "ann", authInfo: { clientId: "ann", scopes: [] } };
	const response = await requestScope.run({ origin }, () => fetch(request, { parsedBody }));
	const reader = response.body?.getReader();
	return async () => {
		const { value } = (await reader?.read()) ?? {};
		const [, data] = /^data: (.*)$/m.exec(Buffer.from(value ?? []).toString()) ?? [];
		return data === undefined ? undefined : (JSON.parse(data) as Message);
	};
}

const task = (taskId: string, more: object = {}) => ({ resultType: "complete", taskId, status: "working", ...more });

test("only tasks that the client has created are acknowledged, a hundred at most", async (t) => {
	const { notices } = setup(t, async (taskId) => task(taskId));
	const own = Array.from({ length: 200 }, (_, number) => `t${number}`);
	const next = await listen(notices, ["bobs", "nobodys", ...own]);
	const acknowledged = await next();
	assert.equal(acknowledged?.method, "notifications/subscriptions/acknowledged");
	assert.deepEqual(acknowledged?.params?.["notifications"], { taskIds: own.slice(0, 100) });
});

test("a module is asked about one task at a time, and for a slow client not again for each change", async (t) => {
	let round = 0;
	const { notices, asked } = setup(t, async (taskId) => task(taskId, { round }));
	const next = await listen(notices, ["t0", "t2"]);
	await next();
	for (round = 1; round <= 1000; round++) {
		notices.changed("mcps/even", "t0");
		notices.changed("mcps/odd", "t0"); // not its task
		await Promise.resolve();
	}
	assert.ok(asked.length <= 3, `asked ${asked.length} times`);
	const told = [await next(), await next(), await next()];
	assert.deepEqual(told.map((message) => String(message?.params?.["taskId"])).toSorted(), ["t0", "t0", "t2"]);
	const last = told.findLast((message) => message?.params?.["taskId"] === "t0");
	assert.equal(last?.params?.["round"], 1001, "the state as it is now");
	assert.equal(asked.length, 3);
});

test("a module that does not answer, or lies, delays and hides no other's tasks", async (t) => {
	const { notices } = setup(t, (taskId) => {
		if (taskId === "t0") return new Promise(() => undefined);
		return Promise.resolve(taskId === "t1" ? task("t3") : task(taskId, taskId === "t3" ? { status: "eaten" } : {}));
	});
	const next = await listen(notices, ["t0", "t1", "t3", "t5"]);
	await next();
	assert.equal((await next())?.params?.["taskId"], "t5");
});

test("a module that is busy is asked again; one that has lost the task is not", async (t) => {
	let isBusy = true;
	const { notices, asked } = setup(t, async (taskId) => {
		if (taskId === "t0") throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Task not found");
		if (isBusy) throw new ProtocolError(ProtocolErrorCode.InternalError, "busy", { retryable: true });
		return task(taskId);
	});
	const next = await listen(notices, ["t0", "t1"]);
	await next();
	await until(() => asked.length === 2, "both were asked about");
	isBusy = false;
	assert.equal((await next())?.params?.["taskId"], "t1");
	assert.deepEqual(asked.toSorted(), ["t0", "t1", "t1"]);
});

test("a module is asked once for all streams on a task, and about one task at a time for all streams", async (t) => {
	let round = 0;
	let answer = Promise.withResolvers<void>();
	const { notices, asked } = setup(t, async (taskId) => {
		await answer.promise;
		return task(taskId, { round });
	});
	answer.resolve();
	const same = await Promise.all(Array.from({ length: 50 }, () => listen(notices, ["t0"])));
	for (const next of same) assert.equal((await next())?.method, "notifications/subscriptions/acknowledged");
	for (const next of same) assert.equal((await next())?.params?.["round"], 0);
	asked.length = 0;
	for (round = 1; round <= 3; round++) {
		await setImmediate(); // all have sent what was read
		notices.changed("mcps/even", "t0");
		for (const next of same) assert.equal((await next())?.params?.["round"], round);
	}
	assert.deepEqual(asked, ["t0", "t0", "t0"]);

	answer = Promise.withResolvers();
	const own = Array.from({ length: 50 }, (_, number) => `t${number * 2}`);
	const each = await Promise.all(own.map((taskId) => listen(notices, [taskId])));
	for (const next of each) await next();
	assert.equal(asked.length, 4, "the others wait outside of the module");
	answer.resolve();
	for (const [number, next] of each.entries()) assert.equal((await next())?.params?.["taskId"], own[number]);
});

test("who no longer listens is not asked for, and holds up nobody", async (t) => {
	const answer = Promise.withResolvers<void>();
	const { notices, asked } = setup(t, async (taskId) => {
		await answer.promise;
		return task(taskId);
	});
	const stays = await listen(notices, ["t0"]);
	await stays();
	const leaving = new AbortController();
	const leave = await Promise.all([["t0"], ["t2"]].map((taskIds) => listen(notices, taskIds, leaving.signal)));
	for (const next of leave) await next();
	const waits = await listen(notices, ["t4"]);
	await waits();
	leaving.abort();
	for (const next of leave) assert.equal(await next(), undefined);
	answer.resolve();
	assert.equal((await stays())?.params?.["taskId"], "t0");
	assert.equal((await waits())?.params?.["taskId"], "t4");
	assert.deepEqual(asked, ["t0", "t4"]);
});

for (const [code, retryable] of [
	["MODULE_NOT_FOUND", true],
	["MODULE_UNAVAILABLE", true],
	["MODULE_CRASHED", false],
] as const)
	test(`after ${code} a module is asked again when it serves, about its own tasks`, async (t) => {
		let isAway = true;
		const { notices, asked } = setup(t, async (taskId) => {
			if (isAway && taskId !== "t4")
				throw new ProtocolError(ProtocolErrorCode.InternalError, "away", { code, retryable });
			return task(taskId, { isAway });
		});
		const next = await listen(notices, ["t0", "t1", "t2", "t4"]);
		await next();
		assert.equal((await next())?.params?.["taskId"], "t4", "it is not waited for");
		isAway = false;
		notices.serving("mcps/even");
		const told = [await next(), await next(), await next()].map((message) => message?.params);
		assert.deepEqual(told.map((params) => String(params?.["taskId"])).toSorted(), ["t0", "t2", "t4"]);
		assert.ok(told.every((params) => params?.["isAway"] === false));
		assert.equal(asked.filter((taskId) => taskId === "t1").length, 1);
	});

test("a client that has gone is told nothing, and when the host stops its stream ends with the result", async (t) => {
	const { notices, asked, close } = setup(t, async (taskId) => task(taskId));
	const leaving = new AbortController();
	const gone = await listen(notices, ["t0"], leaving.signal);
	await gone();
	await gone();
	leaving.abort();
	assert.equal(await gone(), undefined);
	notices.changed("mcps/even", "t0");
	assert.equal(asked.length, 1);

	const stays = await listen(notices, ["t0"]);
	await stays();
	await stays();
	await close();
	assert.equal((await stays())?.result?.resultType, "complete");
	assert.equal(await stays(), undefined);
});
