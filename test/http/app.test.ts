import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const COUNTS =
	'import { Gauge } from "prom-client"; new Gauge({ name: "one", help: "x" }).set(1); export function process() {}';
const ADDS =
	'export default (server) => { server.registerTool("add", { title: "Add" }, () => ({ content: [] })); server.registerPrompt("p", {}, () => ({ messages: [] })); server.registerResource("r", "x://r", { mimeType: "text/plain" }, () => ({ contents: [] })); };';
const FILES = { "metrics/counts.js": COUNTS, "mcps/adds.js": ADDS };

/** A module is a target once it has been collected. */
async function isCollected(server: TestServer): Promise<void> {
	await until(async () => (await server.module("metrics/counts")).collection !== null, "it is collected");
}

async function json(url: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
	const response = await fetch(url, { headers });
	return { status: response.status, body: await response.json() };
}

test("METRICS_PORT serves what a scraper needs, and nothing else", async (t) => {
	const server = await startTestServer(t, { files: FILES, env: { METRICS_PORT: "0" } });
	const scraped = server.metricsUrl ?? "";
	assert.notEqual(scraped, server.url);
	for (const path of [
		"/metrics",
		"/metrics/counts",
		"/api/v1/metrics/prometheus",
		"/sd",
		"/livez",
		"/readyz",
		"/health",
	]) {
		for (const url of [scraped, server.url]) {
			const response = await fetch(url + path);
			assert.equal(response.status, 200, path);
			await response.text();
		}
	}
	for (const path of ["/", "/mcp", "/api/modules", "/openapi.json", "/execute", "/-/reload"])
		for (const method of ["GET", "POST"]) {
			const response = await fetch(scraped + path, { method });
			assert.equal(response.status, 404, path);
			assert.match(response.headers.get("content-type") ?? "", /problem/);
			await response.text();
		}
	const foreign = await fetch(`${scraped}/metrics`, { headers: { origin: "https://evil.example" } });
	assert.equal(foreign.status, 403);
});

test("/sd names the address that was asked, or PUBLIC_URL with its scheme and prefix", async (t) => {
	const plain = await startTestServer(t, { files: FILES });
	await isCollected(plain);
	assert.deepEqual(await json(`${plain.url}/sd`), {
		status: 200,
		body: [
			{
				targets: [new URL(plain.url).host],
				labels: { __metrics_path__: "/metrics/counts", server_id: "metrics/counts" },
			},
		],
	});
	const env = { PUBLIC_URL: "https://ops.example:8443/bulkhead/", METRICS_PORT: "0" };
	const behind = await startTestServer(t, { files: FILES, env });
	await isCollected(behind);
	for (const url of [behind.url, behind.metricsUrl])
		assert.deepEqual((await json(`${url}/sd`))["body"], [
			{
				targets: ["ops.example:8443"],
				labels: { __metrics_path__: "/bulkhead/metrics/counts", __scheme__: "https", server_id: "metrics/counts" },
			},
		]);
});

for (const variable of ["METRICS_ENDPOINT_ENABLED", "PROMETHEUS_REGISTRY_ENABLED"])
	test(`${variable}=false: no page, no collection`, async (t) => {
		const server = await startTestServer(t, { files: FILES, env: { [variable]: "false", COLLECT_INTERVAL_MS: "10" } });
		for (const path of ["/metrics", "/metrics/counts", "/api/v1/metrics/prometheus", "/sd"]) {
			const { status, body } = await json(server.url + path);
			assert.deepEqual([status, (body as { code: string }).code], [404, "METRICS_DISABLED"]);
			assert.match((body as { detail: string }).detail, new RegExp(variable));
		}
		assert.equal((await server.execute("add")).status, 200);
		assert.equal((await server.module("metrics/counts")).collection, null);
	});

test("?module= of a module without metrics is an empty page, and of one that is not there 404", async (t) => {
	const server = await startTestServer(t, { files: FILES });
	await isCollected(server);
	const { url } = server;
	const page = async (query: string, accept = "text/plain") => {
		const response = await fetch(`${url}/metrics?${query}`, { headers: { accept } });
		return { status: response.status, text: await response.text() };
	};
	assert.deepEqual(await page("module=mcps/adds"), { status: 200, text: "" });
	assert.deepEqual(await page("module=mcps/adds", "application/openmetrics-text"), { status: 200, text: "# EOF\n" });
	const both = await page("module=mcps/adds&module=counts");
	assert.deepEqual([both.status, both.text.includes("one 1")], [200, true]);
	for (const query of ["module=nope", "module=counts&module=mcps/nope", "module="])
		assert.equal((await page(query)).status, 404, query);
});

test("what is offered is listed with the module that offers it", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const tools = (await json(`${url}/api/tools`))["body"] as { tools: Record<string, unknown>[] };
	assert.deepEqual(
		tools.tools.map(({ name, title, module }) => ({ name, title, module })),
		[{ name: "add", title: "Add", module: "mcps/adds" }],
	);
	assert.equal((tools.tools[0]?.["input_schema"] as { type: string }).type, "object");
	assert.deepEqual((await json(`${url}/api/resources`))["body"], {
		resources: [{ uri: "x://r", name: "r", mime_type: "text/plain", module: "mcps/adds" }],
		resource_templates: [],
	});
	assert.deepEqual((await json(`${url}/api/prompts`))["body"], { prompts: [{ name: "p", module: "mcps/adds" }] });
});

test("/openapi.json is valid OpenAPI 3.1 and has the routes that there are", async (t) => {
	const { Validator } = await import("@seriousme/openapi-schema-validator");
	const { url } = await startTestServer(t, { files: FILES, env: { PUBLIC_URL: "https://ops.example/bulkhead" } });
	const document = (await json(`${url}/openapi.json`))["body"] as OpenApi;
	const { valid, errors } = await new Validator().validate(structuredClone(document));
	assert.ok(valid, JSON.stringify(errors));
	assert.equal(document.openapi, "3.1.0");
	assert.deepEqual(document.servers, [{ url: "https://ops.example/bulkhead" }]);
	for (const [path, operations] of Object.entries(document.paths)) {
		const asked = url + path.replaceAll("{name}", "counts").replaceAll("{kind}", "metrics");
		const refused = await fetch(asked, { method: "PATCH" });
		assert.equal(refused.status, 405, path);
		await refused.text();
		const methods = ["get", "post", "delete"].filter((method) => method in operations);
		const allowed = (refused.headers.get("allow") ?? "").toLowerCase().split(", ");
		assert.deepEqual(allowed.filter((method) => method !== "head").toSorted(), methods.toSorted(), path);
	}
	for (const path of [
		"/",
		"/metrics",
		"/metrics/{name}",
		"/sd",
		"/mcp",
		"/livez",
		"/readyz",
		"/health",
		"/api/modules",
		"/api/modules/{kind}/{name}",
		"/-/reload",
		"/execute",
		"/openapi.json",
		"/api/v1/metrics/prometheus",
	])
		assert.ok(path in document.paths, path);
});

type OpenApi = Record<string, unknown> & {
	readonly openapi: string;
	readonly servers: unknown;
	readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

test("what clients look for to log in is not there, as a problem", async (t) => {
	const { url } = await startTestServer(t);
	const paths = [
		"/.well-known/oauth-protected-resource",
		"/.well-known/oauth-protected-resource/mcp",
		"/.well-known/oauth-authorization-server",
		"/.well-known/openid-configuration",
		"/mcp/.well-known/oauth-protected-resource",
		"/register",
	];
	for (const path of paths)
		for (const method of ["GET", "POST"]) {
			const response = await fetch(url + path, { method, headers: { accept: "text/html" } });
			assert.equal(response.status, 404, path);
			assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json/);
			assert.equal(((await response.json()) as { code: string }).code, "NOT_FOUND");
		}
});
