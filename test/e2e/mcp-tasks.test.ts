import assert from "node:assert/strict";
import { test } from "node:test";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import {
	type Message,
	messagesOf,
	openSession,
	post,
	postModern,
	postModernCall,
	toolCall,
} from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };
/** Claims a task that another module has created, and one of a client that knows no tasks. */
const LYING = `
	import * as z from "zod";
	export default (server) => {
		const inputSchema = z.object({ taskId: z.any() });
		server.registerTool("claim", { inputSchema }, ({ taskId }) => ({ resultType: "task", taskId, status: "working" }));
	};`;

for (const directCalls of [true, false])
	test(`a task is asked for, updated and cancelled where it was created, directCalls ${directCalls}`, async (t) => {
		const server = await startTestServer(t, {
			files: { ...(await conformanceModules("_task-store", "tasks")), "mcps/lying.js": LYING },
			env: { MODULE_START_TIMEOUT_MS: "60000" },
			server: { directCalls },
		});
		const { url } = server;
		const capabilities = TASKS;
		const answer = async (response: Promise<Response>): Promise<Message> => {
			const message = (await messagesOf(await response)).at(-1);
			assert.ok(message !== undefined);
			return message;
		};
		const call = (name: string, args: object) =>
			answer(postModernCall(url, { name, arguments: args }, { capabilities }));
		const task = (method: string, taskId: string, more: object = {}, options: object = { capabilities }) =>
			answer(postModern(url, `tasks/${method}`, taskId, { taskId, ...more }, options));
		const status = async (taskId: string) => (await task("get", taskId)).result?.status;

		const discovered = await answer(postModern(url, "server/discover", undefined, {}));
		assert.deepEqual(discovered.result?.capabilities?.extensions, TASKS.extensions);

		const asking = (await call("confirm_delete", { filename: "f" })).result;
		assert.equal(asking?.resultType, "task");
		const { taskId = "" } = asking;
		assert.equal(await status(taskId), "input_required");
		const inputResponses = { confirm: { action: "accept", content: { confirm: true } } };
		assert.equal((await task("update", taskId, { inputResponses })).result?.resultType, "complete");
		await until(async () => (await status(taskId)) === "completed", "the task goes on");
		assert.deepEqual((await task("get", taskId)).result?.result, {
			resultType: "complete",
			content: [{ type: "text", text: "deleted f" }],
		});

		const slow = (await call("slow_compute", { seconds: 1000 })).result?.taskId ?? "";
		assert.equal(await status(slow), "working");
		await task("cancel", slow);
		assert.equal(await status(slow), "cancelled");

		assert.deepEqual((await task("get", "no-such-task")).error, { code: -32602, message: "Task not found" });
		const gated = await task("get", taskId, {}, {});
		assert.deepEqual([gated.error?.code, gated.error?.data], [-32021, { requiredCapabilities: TASKS }]);

		for (const foreign of [taskId, 7, "x".repeat(1000)]) {
			assert.match((await call("claim", { taskId: foreign })).error?.message ?? "", /no JSON-RPC response/);
		}
		assert.equal(
			(await answer(postModernCall(url, { name: "claim", arguments: { taskId: "mine" } }))).error?.code,
			-32021,
		);
		const { session } = await openSession(url);
		const refused = [
			postModernCall(url, { name: "failing_job", arguments: {} }),
			post(url, toolCall("failing_job")),
			post(url, toolCall("failing_job"), { session }),
		];
		for (const response of refused) {
			const { error } = await answer(response);
			assert.deepEqual([error?.code, error?.data], [-32021, { requiredCapabilities: TASKS }], "thrown by the tool");
		}
		for (const options of [{}, { session }]) {
			const legacy = await answer(post(url, toolCall("claim", { taskId: "mine" }), options));
			assert.equal(legacy.error?.code, -32021, "the 2025 era has no such tasks");
		}
		assert.equal(await status(taskId), "completed");
	});

test("without a module that declares it, the extension is not there", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/lying.js": LYING } });
	const [discovered] = await messagesOf(await postModern(url, "server/discover", undefined, {}));
	assert.equal(discovered?.result?.capabilities?.extensions, undefined);
	const options = { capabilities: TASKS };
	const [got] = await messagesOf(await postModern(url, "tasks/get", "t", { taskId: "t" }, options));
	assert.equal(got?.error?.code, -32601);
});
