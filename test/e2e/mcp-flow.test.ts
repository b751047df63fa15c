import assert from "node:assert/strict";
import { test } from "node:test";
import { messagesOf, openSession, post, postModernCall, toolCall } from "../support/mcp-post.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** A tool that ends when it is told to, and one that says so. */
const GATED = `
	let opened = new Map();
	const gate = (name) => { if (!opened.has(name)) opened.set(name, Promise.withResolvers()); return opened.get(name); };
	import * as z from "zod";
	export default (server) => {
		const text = (text) => ({ content: [{ type: "text", text }] });
		server.registerTool("wait", { inputSchema: z.object({ gate: z.string() }) }, async (input) => {
			await gate(input.gate).promise;
			return text(input.gate);
		});
		server.registerTool("exit", {}, () => process.exit(3));
		server.registerTool("loop", {}, () => { for (;;); });
	};
`;

test("a full module refuses at once, with an error that says to try again; the others are not touched", async (t) => {
	const { url, metrics, execute } = await startTestServer(t, {
		examples: true,
		files: { "mcps/gated.js": GATED },
		env: { CALL_CONCURRENCY: "2", CALL_QUEUE: "1", CALL_TIMEOUT_MS: "20000" },
	});
	const controller = new AbortController();
	const running = [1, 2, 3].map((id) =>
		post(url, toolCall("wait", { gate: "never" }, id), { signal: controller.signal }),
	);
	await until(
		async () => sampleOf(await metrics(), 'mcp_active_requests{tool_name="wait"}') === 3,
		"two run and one waits",
	);

	const [refused] = await messagesOf(await post(url, toolCall("wait", { gate: "never" }, 4)));
	assert.equal(refused?.error?.code, -32603);
	assert.deepEqual(refused?.error?.data, { code: "MODULE_BUSY", retryable: true });
	assert.equal((await execute("wait", { gate: "never" })).status, 503);
	assert.equal((await execute("add", { a: 1, b: 2 })).status, 200, "another module answers");

	controller.abort();
	await Promise.allSettled(running);
	await until(
		async () => sampleOf(await metrics(), 'mcp_active_requests{tool_name="wait"}') === 0,
		"the places are free again",
	);
	const page = await metrics();
	assert.equal(sampleOf(page, 'mcp_tool_errors_total{tool_name="wait",error_type="queue_full"}'), 2);
	assert.equal(sampleOf(page, 'mcp_tool_errors_total{tool_name="wait",error_type="cancelled"}'), 3);
});

test("calls of a session end with what happened when their module crashes, hangs or is saved, and the session lives on", async (t) => {
	const { url, metrics, module, save } = await startTestServer(t, {
		files: { "mcps/gated.js": GATED },
		env: { CALL_TIMEOUT_MS: "5000", HANG_TIMEOUT_MS: "60000" },
	});
	const { session } = await openSession(url);
	const call = async (name: string, id: number) => {
		const messages = await messagesOf(await post(url, toolCall(name, { gate: "never" }, id), { session }));
		return messages.at(-1)?.error;
	};
	const active = async (count: number): Promise<void> =>
		until(
			async () => sampleOf(await metrics(), 'mcp_active_requests{tool_name="wait"}') === count,
			`${count} calls run`,
		);

	const serves = (generation: number): Promise<void> =>
		until(
			async () => {
				const now = await module("mcps/gated");
				return now.generation >= generation && now.state === "running";
			},
			`generation ${generation} serves`,
			30_000,
		);

	const beside = call("wait", 1);
	await active(1);
	assert.match((await call("exit", 2))?.message ?? "", /ended while it ran this call: .*code: 3/);
	assert.match((await beside)?.message ?? "", /ended while it ran this call/);

	await serves(2);

	assert.match((await call("loop", 3))?.message ?? "", /did not answer within 5000 ms/);
	await serves(3);

	const during = call("wait", 4);
	await active(1);
	await save("mcps/gated.js", `${GATED}\nexport const version = 2;`);
	await serves(4);
	assert.match((await during)?.message ?? "", /did not answer within 5000 ms/);

	const listed = await messagesOf(await post(url, { jsonrpc: "2.0", id: 5, method: "tools/list" }, { session }));
	assert.equal(listed.at(-1)?.error, undefined, "the session lives on");
});

test("a call of a session in a module that hangs ends with an error that says so, long before its deadline", async (t) => {
	const { url, module } = await startTestServer(t, {
		files: { "mcps/gated.js": GATED },
		env: { CALL_TIMEOUT_MS: "60000", HANG_TIMEOUT_MS: "3000" },
	});
	const { session } = await openSession(url);
	const beside = post(url, toolCall("wait", { gate: "never" }, 1), { session });
	await until(async () => (await module("mcps/gated")).pending_calls === 1, "the call runs");
	const looping = post(url, toolCall("loop", {}, 2), { session });
	for (const call of [looping, beside]) {
		const error = (await messagesOf(await call)).at(-1)?.error;
		assert.match(error?.message ?? "", /ended while it ran this call: .*event loop stood still for 3000 ms/);
		assert.equal(error?.data?.["code"], "MODULE_HUNG");
	}
	await until(async () => (await module("mcps/gated")).state === "running", "it is replaced");
	assert.deepEqual((await module("mcps/gated")).restarts, { hang: 1 });
	const answer = (await messagesOf(await post(url, toolCall("no-such-tool", {}, 3), { session }))).at(-1);
	assert.match(answer?.error?.message ?? "", /no-such-tool/, "the session lives on");
});

test("a session's client can cancel a call that is answered directly, and gets nothing for it", async (t) => {
	const { url, metrics } = await startTestServer(t, { files: { "mcps/gated.js": GATED } });
	const { session } = await openSession(url);
	const call = post(url, toolCall("wait", { gate: "never" }, "x"), { session });
	await until(async () => sampleOf(await metrics(), 'mcp_active_requests{tool_name="wait"}') === 1, "the call runs");
	const cancelled = await post(
		url,
		{ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "x", reason: "no longer needed" } },
		{ session },
	);
	assert.equal(cancelled.status, 202);
	await until(
		async () => sampleOf(await metrics(), 'mcp_tool_errors_total{tool_name="wait",error_type="cancelled"}') === 1,
		"the call has ended",
	);
	await (await call).body?.cancel();
});

/** A tool that waits for its signal, and one that tells how many times that has come. */
const CANCELLABLE = `
	let cancelled = 0;
	export default (server) => {
		server.registerTool("hold", {}, ({ mcpReq: { signal } }) =>
			new Promise((resolve) => signal.addEventListener("abort", () => resolve({ content: [] }, cancelled++))));
		server.registerTool("cancelled", {}, () => ({ content: [{ type: "text", text: String(cancelled) }] }));
	};`;

for (const by of ["notifications/cancelled", "DELETE"])
	test(`a call whose client has lost its connection is still ended by ${by}`, async (t) => {
		const { url, metrics, execute } = await startTestServer(t, { files: { "mcps/cancellable.js": CANCELLABLE } });
		const { session } = await openSession(url);
		const active = async (count: number): Promise<boolean> =>
			sampleOf(await metrics(), 'mcp_active_requests{tool_name="hold"}') === count;
		const controller = new AbortController();
		const lost = post(url, toolCall("hold", {}, "x"), { session, signal: controller.signal });
		await until(() => active(1), "the call runs");
		controller.abort();
		await assert.rejects(lost);
		// A request that takes the same way after the closed connection.
		await (await post(url, { jsonrpc: "2.0", id: 2, method: "ping" }, { session })).text();
		assert.ok(await active(1), "it goes on");
		if (by === "DELETE") await fetch(`${url}/mcp`, { method: "DELETE", headers: { "mcp-session-id": session } });
		else await post(url, { jsonrpc: "2.0", method: by, params: { requestId: "x" } }, { session });
		await until(
			async () => (await execute("cancelled")).body.content?.[0]?.text === "1",
			"the tool has seen its signal, long before its deadline",
		);
	});

/** A tool whose result takes as many bytes as asked, in half as many characters. */
const LENGTHY = `
	import * as z from "zod";
	export default (server) => {
		server.registerTool("say", { inputSchema: z.object({ bytes: z.int() }) }, ({ bytes }) => ({
			content: [{ type: "text", text: "é".repeat(bytes / 2) }],
		}));
	};`;

test("an answer above CALL_MAX_RESULT_BYTES is an error that says so, whichever way the call came", async (t) => {
	const { url, metrics, execute } = await startTestServer(t, {
		files: { "mcps/lengthy.js": LENGTHY },
		env: { CALL_MAX_RESULT_BYTES: "2048" },
	});
	const { session } = await openSession(url);
	const args = { bytes: 2048 };
	const answers = [
		postModernCall(url, { name: "say", arguments: args }),
		post(url, toolCall("say", args)),
		post(url, toolCall("say", args), { session }),
	];
	for (const answer of answers) {
		const error = (await messagesOf(await answer)).at(-1)?.error;
		assert.equal(error?.code, -32603);
		assert.match(error.message, /^mcps\/lengthy failed: its answer takes \d+ bytes, more than CALL_MAX_RESULT_BYTES/);
		assert.deepEqual(error.data, { code: "RESULT_TOO_LARGE", retryable: false });
	}
	const refused = await execute("say", args);
	assert.deepEqual([refused.status, refused.body.code], [502, "RESULT_TOO_LARGE"]);
	assert.equal((await execute("say", { bytes: 1800 })).status, 200);
	assert.equal(sampleOf(await metrics(), 'mcp_tool_errors_total{tool_name="say",error_type="too_large"}'), 4);
});

/** A tool that holds its place until it is cancelled, and one that says how many calls were answered before its own. */
const COUNTED = `
	let answered = 0;
	export default (server) => {
		server.registerTool("hold", {}, (_context, { signal } = _context.mcpReq) =>
			new Promise((resolve) => signal.addEventListener("abort", () => resolve({ content: [] }))),
		);
		server.registerTool("count", {}, () => ({ content: [{ type: "text", text: String(answered++) }] }));
	};`;

test("a client with one call does not wait for all the calls of another", async (t) => {
	const { url, metrics } = await startTestServer(t, {
		files: { "mcps/counted.js": COUNTED },
		env: { CALL_CONCURRENCY: "1" },
	});
	const busy = (await openSession(url)).session;
	const modest = (await openSession(url)).session;
	const active = (tool: string, count: number): Promise<void> =>
		until(
			async () => sampleOf(await metrics(), `mcp_active_requests{tool_name="${tool}"}`) === count,
			`${count} calls of ${tool}`,
		);
	const controller = new AbortController();
	const held = post(url, toolCall("hold"), { signal: controller.signal });
	await active("hold", 1);

	const count = async (session: string, id: number): Promise<number> =>
		Number(
			(await messagesOf(await post(url, toolCall("count", {}, id), { session }))).at(-1)?.result?.content?.[0]?.text,
		);
	const many = Promise.all(Array.from({ length: 20 }, (_, index) => count(busy, index)));
	await active("count", 20);
	const one = count(modest, 1);
	await active("count", 21);
	controller.abort();
	await Promise.allSettled([held]);
	assert.equal(await one, 1, "after the first of the other's");
	assert.deepEqual(
		(await many).toSorted((a, b) => a - b),
		[0, ...Array.from({ length: 19 }, (_, index) => index + 2)],
	);
});

/** Has a template that matches what others' do, and takes its time to say that it has no such resource, or what it is. */
const overlapping = (variable: string, answer: string): string => `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	import { setTimeout as delay } from "node:timers/promises";
	export default (server) => server.registerResource(
		"${variable}",
		new ResourceTemplate("slow://{${variable}}", { list: undefined }),
		{},
		async (uri, { ${variable}: ms }) => {
			await delay(Number(ms));
			${answer}
		},
	);`;
const NO_SUCH = 'throw Object.assign(new Error("no such resource"), { code: -32602 });';

test("modules whose templates overlap are asked in turn, within one deadline for the read as a whole", async (t) => {
	const { rpc, save } = await startTestServer(t, {
		files: {
			"mcps/a.js": overlapping("a", NO_SUCH),
			"mcps/b.js": overlapping("b", NO_SUCH),
			"mcps/c.js": overlapping("c", "return { contents: [{ uri: uri.href, text: 'of c' }] };"),
		},
		env: { CALL_TIMEOUT_MS: "4000" },
	});
	const read = async (ms: number) => rpc("resources/read", { uri: `slow://${ms}` });
	const { result } = await read(1);
	assert.deepEqual(result?.["contents"], [{ uri: "slow://1", text: "of c" }]);
	// Each of the three is within the deadline of a call; together they are not.
	const late = await read(2500);
	assert.match(late.error?.message ?? "", /^mcps\/[abc] /);
	assert.equal((late.error as { data?: { code?: string } } | undefined)?.data?.code, "CALL_TIMEOUT");
	await save("mcps/c.js", overlapping("c", NO_SUCH));
	await until(async () => /no such resource/.test((await read(1)).error?.message ?? ""), "nobody has it");
});
