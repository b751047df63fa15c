/** What a client on standard input and output notices of a host that starts again: that lists may have changed, no more. */
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { lastingPort } from "../support/lasting-port.ts";
import { callsOf, connectOldClient, connectRecentClient, spawnStdio } from "../support/stdio-client.ts";
import { startTestServer, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const MODULES = {
	files: await conformanceModules("pushing"),
	fixtures: ["mcps/everything.ts"],
	env: { MODULE_START_TIMEOUT_MS: "60000" },
};
const DROPPED = 'export default (server) => server.registerTool("dropped", {}, () => ({ content: [] }));';
const ENVELOPE = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "bare", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
};
test("a host that starts again under a running bridge finds its client as it was", async (t) => {
	const modules = await modulesAtOnePort();
	const first = await startTestServer(t, modules);
	const client = await connectOldClient(t, { folder: first.folder, args: ["--url", `${first.url}/mcp`] });
	const updated: string[] = [];
	client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
	let told = 0;
	client.setNotificationHandler(ToolListChangedNotificationSchema, () => void told++);
	await client.subscribeResource({ uri: "doc://one" });
	await client.subscribeResource({ uri: "doc://two" });
	await client.unsubscribeResource({ uri: "doc://two" });

	await first.close();
	await startTestServer(t, modules);
	// Without a request of the client: its event stream finds out.
	await until(() => told > 0, "the client hears that the lists may be others", 60_000);
	const call = callsOf(client);
	for (const name of ["two", "one"]) await call("write-document", { name, words: "w" });
	await until(() => updated.length > 0, "the subscription is one of the new session as well");
	assert.deepEqual(updated, ["doc://one"]);
	assert.match(await call("test_elicitation", { message: "?" }), /action=accept/);
});

test("what a 2026-07-28 client listens to goes on over restarts of the host", async (t) => {
	const modules = await modulesAtOnePort();
	const first = await startTestServer(t, modules);
	const client = await connectRecentClient(t, { folder: first.folder, args: ["--url", `${first.url}/mcp`] });
	const updated: string[] = [];
	client.setNotificationHandler("notifications/resources/updated", ({ params }) => void updated.push(params.uri));
	let told = 0;
	client.setNotificationHandler("notifications/tools/list_changed", () => void told++);
	let promptsTold = 0;
	client.setNotificationHandler("notifications/prompts/list_changed", () => void promptsTold++);
	const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: ["doc://one"] });
	let closed = false;
	void subscription.closed.then(() => {
		closed = true;
	});

	await first.close(); // which ends the stream with an answer
	const second = await startTestServer(t, modules);
	await until(() => told > 0, "the client hears that the lists may be others", 60_000);
	const call = callsOf(client);
	for (const name of ["two", "one"]) await call("write-document", { name, words: "w" });
	await until(() => updated.length > 0, "the new host knows what the client listens to");
	assert.deepEqual(updated, ["doc://one"]);
	const toldBefore = told;
	await second.save("mcps/dropped.js", DROPPED);
	await until(() => told > toldBefore, "also of the file that was dropped");
	assert.equal(promptsTold, 0, "which it did not ask for");
	assert.equal(closed, false);

	await subscription.close();
	await second.close();
	const third = await startTestServer(t, modules);
	const toldInTheEnd = told;
	await call("echo", { message: "hi" });
	await third.save("mcps/dropped.js", DROPPED);
	await until(
		async () => (await client.listTools()).tools.some(({ name }) => name === "dropped"),
		"the third host has the file",
	);
	assert.equal(told, toldInTheEnd, "a subscription that was closed stays closed");
});

test("a 2026-07-28 client has one acknowledgement, however often the host is killed, and an empty one ends at once", async (t) => {
	const { folder } = await testSetup(t, MODULES);
	const bridge = spawnStdio(t, { folder });
	interface Line {
		readonly id?: string;
		readonly method?: string;
		readonly params?: { readonly _meta?: Readonly<Record<string, unknown>> };
		readonly result?: { readonly resultType?: string };
	}
	const lines = (): readonly Line[] =>
		bridge
			.output()
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line) as Line);
	const told = (id: string): readonly (string | undefined)[] =>
		lines()
			.filter(({ params }) => params?._meta?.["io.modelcontextprotocol/subscriptionId"] === id)
			.map(({ method }) => method?.replace("notifications/", ""));
	const listen = (id: string, notifications: object): void =>
		bridge.send({ jsonrpc: "2.0", id, method: "subscriptions/listen", params: { _meta: ENVELOPE, notifications } });

	listen("nothing", {});
	await until(() => lines().some(({ id }) => id === "nothing"), `the end: ${bridge.errors()}`, 60_000);
	assert.equal(lines().find(({ id }) => id === "nothing")?.result?.resultType, "complete");
	listen("prompts", { promptsListChanged: true });
	await until(() => told("prompts").length === 1, "the acknowledgement");
	for (let kills = 1; kills <= 2; kills++) {
		const [host] = execFileSync("pgrep", ["--parent", String(bridge.child.pid)], { encoding: "utf8" }).split("\n");
		process.kill(Number(host), "SIGKILL");
		await until(() => told("prompts").length === 1 + kills, "it is told of the new host", 60_000);
	}
	assert.deepEqual(told("prompts"), ["subscriptions/acknowledged", "prompts/list_changed", "prompts/list_changed"]);
	assert.deepEqual(told("nothing"), ["subscriptions/acknowledged"]);
	bridge.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "prompts" } });
	bridge.child.stdin.end();
	assert.equal(await bridge.ended(), 0);
	assert.deepEqual(
		lines().filter(({ id }) => id === "prompts"),
		[],
		"nobody waits for an answer to what was cancelled",
	);
});

/** For hosts one after the other where their client finds them. */
async function modulesAtOnePort() {
	return { ...MODULES, env: { ...MODULES.env, PORT: String(await lastingPort()) } };
}
