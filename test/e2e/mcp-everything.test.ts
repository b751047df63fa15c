import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
	LoggingMessageNotificationSchema,
	ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { oldClient, oldTransport, recentClient } from "../support/both-clients.ts";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const MODULES = await conformanceModules("pushing", "input-required", "input-rounds");
const SAMPLED = { model: "m", role: "assistant", content: { type: "text", text: "a model's words" } } as const;
const ROOTS = { roots: [{ uri: "file:///home", name: "home" }] };
/** What the user answers, whatever the question. */
const ELICITED = { response: "yes", name: "Ann", color: "blue", ok: true };
const ANSWERS = { sampled: SAMPLED, roots: ROOTS, elicited: () => ({ action: "accept", content: ELICITED }) };

test("clients of both SDKs drive everything", async (t) => {
	const server = await startTestServer(t, {
		files: MODULES,
		fixtures: ["mcps/everything.ts"],
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const old = await connect1(t, server);
	const recent = recentClient(t, ANSWERS);
	await recent.connect(new Transport2(new URL(`${server.url}/mcp`)));
	assert.equal(recent.getNegotiatedProtocolVersion(), "2026-07-28");
	const clients = [call1(old.client), call2(recent)] as const;

	await t.test("content of every kind, structure, annotations, icons and _meta", async () => {
		for (const call of clients) {
			assert.equal(await call("echo", { message: "hi" }), "Echo: hi");
			assert.equal(await call("get-structured-content", { location: "Rome" }), "Rome");
		}
		for (const client of [old.client, recent]) {
			const kinds = ["image", "sound"].map(async (kind) =>
				client.callTool({ name: `get-tiny-${kind}`, arguments: {} }),
			);
			const referring = ["links", "reference"].map(async (kind) =>
				client.callTool({ name: `get-resource-${kind}`, arguments: {} }),
			);
			const contents = (await Promise.all([...kinds, ...referring])).flatMap(
				({ content }) => content as { type: string }[],
			);
			assert.deepEqual(
				contents.map(({ type }) => type),
				["image", "audio", "resource_link", "resource"],
			);
		}
		const structured = await recent.callTool({ name: "get-structured-content", arguments: { location: "Rome" } });
		assert.deepEqual(structured.structuredContent, { temperature: 4 });
		const annotated = await old.client.callTool({ name: "get-annotated-message", arguments: { urgent: true } });
		assert.deepEqual(annotated.content, [
			{ type: "text", text: "look", annotations: { priority: 1, audience: ["user"] } },
		]);
		for (const { tools } of [await old.client.listTools(), await recent.listTools()]) {
			const tool = tools.find(({ name }) => name === "get-structured-content");
			assert.equal(tool?.title, "Weather");
			assert.equal(tool?.icons?.length, 1);
			assert.equal(tool?._meta?.["example.com/kind"], "weather");
			assert.equal(tool?.annotations?.readOnlyHint, true);
		}
	});

	await t.test("sampling, elicitation and roots, pushed in a session", async () => {
		const call = clients[0];
		assert.equal(await call("test_sampling", { prompt: "?" }), "LLM response: a model's words");
		assert.match(await call("test_elicitation", { message: "?" }), /action=accept, content=\{"response":"yes"/);
		assert.equal(await call("sample-through-the-server"), JSON.stringify(SAMPLED.content));
		assert.equal(await call("get-roots-list"), JSON.stringify(ROOTS.roots));
	});

	await t.test("one tool that returns inputRequired() serves clients of both eras", async () => {
		for (const call of clients) {
			assert.equal(await call("test_input_required_result_elicitation"), "Hello, Ann!");
			assert.equal(await call("test_input_required_result_sampling"), "Sampling response: a model's words");
			assert.equal(await call("test_input_required_result_list_roots"), "Roots: file:///home");
			assert.equal(await call("test_input_required_result_multi_round"), "Multi-round complete: Ann likes blue");
			assert.match(await call("test_input_required_result_request_state"), /^state-ok/);
		}
	});

	await t.test("a client without the capability, or without a session, is not asked", async () => {
		const plain = new Client1({ name: "plain", version: "1" });
		await plain.connect(new Transport1(new URL(`${server.url}/mcp`)) as SdkTransport1);
		t.after(() => plain.close());
		const refused = await plain.callTool({ name: "test_elicitation", arguments: { message: "?" } });
		assert.equal(refused.isError, true);
		assert.match(JSON.stringify(refused.content), /elicitation/);
		const stateless = await server.rpc("tools/call", { name: "test_elicitation", arguments: { message: "?" } });
		assert.equal(stateless.result?.["isError"], true);
	});

	await t.test("a module sees who calls, and not the session's own id", async () => {
		const seen = JSON.parse(await clients[0]("who-calls")) as { sessionId: string; client: string };
		assert.equal(seen.client, "old");
		assert.equal(seen.sessionId.length, 22);
		assert.notEqual(seen.sessionId, old.transport.sessionId);
		assert.deepEqual(JSON.parse(await clients[0]("who-calls")), seen);
		const another = await connect1(t, server, "another");
		const other = JSON.parse(await call1(another.client)("who-calls")) as typeof seen;
		assert.equal(other.client, "another");
		assert.notEqual(other.sessionId, seen.sessionId);
	});

	await t.test("progress and cancellation", async () => {
		for (const client of [old.client, recent]) {
			const progress: number[] = [];
			const controller = new AbortController();
			const args = { name: "trigger-long-running-operation", arguments: { steps: 1000, stepMs: 5 } };
			const options = {
				signal: controller.signal,
				onprogress(update: { readonly progress: number }) {
					progress.push(update.progress);
					if (progress.length === 3) controller.abort("seen enough");
				},
			};
			const call =
				client instanceof Client1 ? client.callTool(args, undefined, options) : client.callTool(args, options);
			await assert.rejects(call);
			assert.deepEqual(progress, [1, 2, 3]);
		}
		await until(async () => (await server.module("mcps/everything")).state === "running", "the module goes on");
	});

	await t.test("log messages from the level that the session asked for", async () => {
		const levels: string[] = [];
		old.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void levels.push(params.level));
		await clients[0]("log-two-levels");
		await until(() => levels.length === 2, "both messages arrive");
		await old.client.setLoggingLevel("warning");
		await clients[0]("log-two-levels");
		assert.deepEqual(levels, ["debug", "error", "error"]);
	});

	await t.test("completions of prompts and templates", async () => {
		for (const client of [old.client, recent]) {
			const prompt = { type: "ref/prompt", name: "completable-prompt" } as const;
			const template = { type: "ref/resource", uri: "doc://{name}" } as const;
			const teams = await client.complete({ ref: prompt, argument: { name: "team", value: "ro" } });
			assert.deepEqual(teams.completion.values, ["rose"]);
			const names = await client.complete({ ref: template, argument: { name: "name", value: "o" } });
			assert.deepEqual(names.completion.values, ["one"]);
		}
	});

	await t.test("a list of resources that a template makes up is asked for each time", async () => {
		for (const [client, name] of [
			[old.client, "two"],
			[recent, "three"],
		] as const) {
			await clients[0]("write-document", { name, words: "w" });
			const { resources } = await client.listResources();
			assert.ok(resources.some(({ uri }) => uri === `doc://${name}`));
		}
	});

	await t.test("updates of a resource go to those who subscribed", async () => {
		const updated: string[] = [];
		old.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
		const recentlyUpdated: string[] = [];
		recent.setNotificationHandler(
			"notifications/resources/updated",
			({ params }) => void recentlyUpdated.push(params.uri),
		);
		await old.client.subscribeResource({ uri: "doc://one" });
		const subscription = await recent.listen({ resourceSubscriptions: ["doc://two"] });
		await clients[0]("write-document", { name: "one", words: "second version" });
		await clients[0]("write-document", { name: "two", words: "second version" });
		await until(() => updated.length > 0 && recentlyUpdated.length > 0, "each hears of its own");
		await old.client.unsubscribeResource({ uri: "doc://one" });
		await clients[0]("write-document", { name: "one", words: "third version" });
		await clients[0]("write-document", { name: "two", words: "third version" });
		await until(() => recentlyUpdated.length === 2, "who still listens hears again");
		assert.deepEqual(updated, ["doc://one"]);
		assert.deepEqual(recentlyUpdated, ["doc://two", "doc://two"]);
		await subscription.close();
	});

	await t.test("a list that changed is told once", async () => {
		let told = 0;
		old.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void told++);
		for (const expected of [true, false]) {
			const before = told;
			await clients[0]("toggle-tool");
			await until(() => told > before, "the client is told");
			const { tools } = await old.client.listTools();
			assert.equal(
				tools.some(({ name }) => name === "extra"),
				expected,
			);
		}
		assert.equal(told, 2);
	});
});

async function connect1(t: TestContext, server: TestServer, name = "old") {
	const client = oldClient(t, ANSWERS, name);
	const transport = oldTransport(server.url);
	await client.connect(transport as SdkTransport1);
	return { client, transport };
}

type Call = (name: string, args?: Record<string, unknown>) => Promise<string>;

function call1(client: Client1): Call {
	return async (name, args = {}) => textOf(await client.callTool({ name, arguments: args }));
}

function call2(client: Client2): Call {
	return async (name, args = {}) => textOf(await client.callTool({ name, arguments: args }));
}

function textOf(result: unknown): string {
	const { content, isError } = result as { content: { text?: string }[]; isError?: boolean };
	assert.notEqual(isError, true, JSON.stringify(content));
	return content[0]?.text ?? "";
}
