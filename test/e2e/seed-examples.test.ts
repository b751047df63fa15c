/** The examples that ship say word for word what the exporter they come from says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

test("custom_metric_1 has its help, its label and a whole number from 0 to 100", async (t) => {
	const server = await startTestServer(t, { examples: true });
	let page = "";
	await until(async () => {
		page = await server.metrics();
		return page.includes("\ncustom_metric_1{");
	}, "the gauge is on the page");
	assert.match(page, /^# HELP custom_metric_1 Description of custom metric$/m);
	assert.match(page, /^# TYPE custom_metric_1 gauge$/m);
	const value = /^custom_metric_1\{label1="example"\} (\d+)$/m.exec(page)?.[1];
	assert.ok(Number(value) >= 0 && Number(value) <= 100, `a whole number: ${value}`);
});

test("tools, resources and prompts answer and describe themselves in these words", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const described = async (list: string, key: string, name: string): Promise<unknown> => {
		const { result } = await server.rpc(`${list}/list`, {});
		const listed = Object.values(result ?? {}).find(Array.isArray) as Record<string, unknown>[];
		return listed.find((entry) => entry[key] === name)?.["description"];
	};
	assert.equal(await described("tools", "name", "add"), "Add two numbers");
	assert.equal(await described("resources", "uri", "greeting://hello"), "Simple greeting");
	assert.equal(
		await described("resources/templates", "uriTemplate", "greeting://{name}"),
		"Get a personalized greeting message",
	);
	assert.equal(await described("prompts", "name", "weather_report"), "Generate a weather query prompt template");

	const read = async (uri: string): Promise<unknown> => {
		const { result } = await server.rpc("resources/read", { uri });
		return (result?.["contents"] as { text: string }[])[0]?.text;
	};
	assert.equal(await read("greeting://hello"), "Hello!");
	assert.equal(await read("greeting://Alice"), "Hello, Alice!");

	const prompt = await server.rpc("prompts/get", {
		name: "weather_report",
		arguments: { city: "Shanghai", date: "today" },
	});
	assert.deepEqual(prompt.result?.["messages"], [
		{ role: "user", content: { type: "text", text: "Please tell me the weather in Shanghai on today:" } },
	]);
});

test("hello_world greets in five languages and refuses what its schema does not allow", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const languages = ["en", "es", "fr", "de", "ja"];
	for (const [language, message] of [
		["en", "Hello, José!"],
		["es", "Hola, José!"],
		["fr", "Bonjour, José!"],
		["de", "Guten Tag, José!"],
		["ja", "こんにちは, José!"],
	]) {
		const { result } = await server.rpc("tools/call", { name: "hello_world", arguments: { name: "José", language } });
		assert.deepEqual(result?.["structuredContent"], {
			success: true,
			message,
			language,
			supported_languages: languages,
		});
	}
	for (const wrong of [{ name: "" }, { name: "x".repeat(101) }, { name: "x", language: "xx" }, {}]) {
		const { result } = await server.rpc("tools/call", { name: "hello_world", arguments: wrong });
		assert.equal(result?.["isError"], true, JSON.stringify(wrong));
	}
});
