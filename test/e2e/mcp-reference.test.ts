import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { connectBoth } from "../support/both-clients.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** What @modelcontextprotocol/server-everything 2026.8.31 lists, less what docs/mcp.md says is not served. */
const TOOLS = [
	"echo",
	"get-annotated-message",
	"get-env",
	"get-resource-links",
	"get-resource-reference",
	"get-roots-list",
	"get-structured-content",
	"get-sum",
	"get-tiny-image",
	"gzip-file-as-resource",
	"toggle-subscriber-updates",
	"trigger-elicitation-request",
	"trigger-long-running-operation",
	"trigger-sampling-request",
	"trigger-url-elicitation",
];
const PROMPTS = ["args-prompt", "completable-prompt", "resource-prompt", "simple-prompt"];
const TEMPLATES = ["demo://resource/dynamic/blob/{index}", "demo://resource/dynamic/text/{index}"];

const ELICITED = { colour: "red", count: 3, sure: true, mail: "ann@example.com" };
const SAMPLED = { model: "m", role: "assistant", content: { type: "text", text: "a model's words" } };
const UPDATED = "demo://resource/dynamic/text/1";

test("clients of both SDKs drive what the reference server has", async (t) => {
	const { url } = await startTestServer(t, {
		fixtures: ["mcps/everything.ts", "mcps/reference.ts"],
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const asked: { mode?: string; url?: string }[] = [];
	const [old, recent] = await connectBoth(t, url, {
		sampled: SAMPLED,
		roots: { roots: [] },
		elicited(params) {
			const question = params as { mode?: string };
			asked.push(question);
			return question.mode === "url" ? { action: "accept" } : { action: "accept", content: ELICITED };
		},
	});

	for (const client of [old, recent]) {
		const who = client === old ? "1.x" : "2.x";
		const call = async (name: string, args: Record<string, unknown> = {}) => {
			const result = await client.callTool({ name, arguments: args });
			assert.notEqual(result.isError, true, JSON.stringify(result.content));
			return (result.content as Content[])[0] ?? {};
		};
		const prompt = async (name: string, args?: Record<string, string>) =>
			(await client.getPrompt({ name, ...(args !== undefined && { arguments: args }) })).messages[0];

		await t.test(`${who}: everything is listed`, async () => {
			const tools = (await client.listTools()).tools.map(({ name }) => name);
			assert.deepEqual(
				TOOLS.filter((name) => !tools.includes(name)),
				[],
			);
			const prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
			assert.deepEqual(
				PROMPTS.filter((name) => !prompts.includes(name)),
				[],
			);
			const { resourceTemplates } = await client.listResourceTemplates();
			const templates = resourceTemplates.map(({ uriTemplate }) => uriTemplate);
			assert.deepEqual(
				TEMPLATES.filter((template) => !templates.includes(template)),
				[],
			);
			const { resources } = await client.listResources();
			const document = resources.find(({ name }) => name === "architecture");
			assert.equal(document?.title, "Architecture");
			assert.deepEqual(document.annotations, { audience: ["user"], priority: 0.5 });
		});

		await t.test(`${who}: tools that answer`, async () => {
			assert.equal((await call("get-sum", { a: 1, b: 2.5 })).text, "3.5");
			assert.equal((await call("get-env")).text, "{}", "a module sees what it was granted");
			const refused = await client.callTool({ name: "get-sum", arguments: { a: "one", b: 2 } });
			assert.equal(refused.isError, true);
			const sound = await call("get-tiny-image");
			assert.deepEqual([sound.type, sound.mimeType], ["image", "image/png"]);
		});

		await t.test(`${who}: a form, a URL and a model`, async () => {
			assert.deepEqual(JSON.parse((await call("trigger-elicitation-request")).text ?? ""), ELICITED);
			assert.equal((await call("trigger-url-elicitation")).text, "accept");
			assert.deepEqual([asked.at(-1)?.mode, asked.at(-1)?.url], ["url", "https://example.com/consent"]);
			const said = await call("trigger-sampling-request", { prompt: "?" });
			assert.deepEqual(JSON.parse(said.text ?? ""), SAMPLED.content);
		});

		await t.test(`${who}: resources, fixed, made up and made while it runs`, async () => {
			const read = async (uri: string) => (await client.readResource({ uri })).contents[0] as Content;
			assert.equal((await read("demo://resource/static/document/architecture.md")).text, "# Architecture");
			assert.equal((await read("demo://resource/dynamic/text/7")).text, "text 7");
			assert.equal(atob((await read("demo://resource/dynamic/blob/8")).blob ?? ""), "blob 8");
			await assert.rejects(read("demo://nobody/has/this"), /not found/i);

			const name = `file-${who}`;
			const inline = await call("gzip-file-as-resource", { name, data: "words", outputType: "resource" });
			assert.equal(unzipped(inline.resource?.blob), "words");
			const link = await call("gzip-file-as-resource", { name, data: "words", outputType: "resourceLink" });
			assert.deepEqual([link.type, link.uri], ["resource_link", `demo://resource/session/${name}`]);
			const listed = async (): Promise<boolean> =>
				(await client.listResources()).resources.some(({ uri }) => uri === link.uri);
			await until(listed, "what the module has made is listed");
			assert.equal(unzipped((await read(link.uri ?? "")).blob), "words");
		});

		await t.test(`${who}: prompts, and completions that depend on what was chosen before`, async () => {
			assert.deepEqual(await prompt("simple-prompt"), {
				role: "user",
				content: { type: "text", text: "This is a simple prompt" },
			});
			const weather = await prompt("args-prompt", { city: "Rome" });
			assert.match((weather?.content as Content).text ?? "", /Rome, nowhere/);
			await assert.rejects(prompt("args-prompt", {}));
			const embedded = (await prompt("resource-prompt", { resourceId: "4" }))?.content as Content;
			assert.deepEqual([embedded.type, embedded.resource?.text], ["resource", "text 4"]);
			const ref = { type: "ref/prompt", name: "team-prompt" } as const;
			const argument = { name: "name", value: "A" };
			const named = await client.complete({ ref, argument, context: { arguments: { team: "red" } } });
			assert.deepEqual(named.completion.values, ["Ann", "Abe"]);
			assert.deepEqual((await client.complete({ ref, argument })).completion.values, []);
		});
	}

	await t.test("1.x: the error that asks for a URL first keeps its code and data", async () => {
		await assert.rejects(
			old.callTool({ name: "trigger-url-elicitation", arguments: { errorPath: true } }),
			(error: { code?: number; data?: { elicitations?: { elicitationId?: string }[] } }) =>
				error.code === -32042 && error.data?.elicitations?.[0]?.elicitationId === "e1",
		);
	});

	await t.test("updates that a module sends of its own accord", async () => {
		let told = 0;
		old.setNotificationHandler(ResourceUpdatedNotificationSchema, () => void told++);
		let recentlyTold = 0;
		recent.setNotificationHandler("notifications/resources/updated", () => void recentlyTold++);
		await old.subscribeResource({ uri: UPDATED });
		const subscription = await recent.listen({ resourceSubscriptions: [UPDATED] });
		await old.callTool({ name: "toggle-subscriber-updates", arguments: {} });
		await until(() => told > 1 && recentlyTold > 1, "both hear of it again and again");
		await old.callTool({ name: "toggle-subscriber-updates", arguments: {} });
		await subscription.close();
	});

	await t.test("1.x: ping", async () => {
		await old.ping();
	});
});

interface Content {
	readonly type?: string;
	readonly text?: string;
	readonly blob?: string;
	readonly uri?: string;
	readonly mimeType?: string;
	readonly resource?: { readonly blob?: string; readonly text?: string };
}

function unzipped(blob = ""): string {
	return gunzipSync(Buffer.from(blob, "base64")).toString();
}
