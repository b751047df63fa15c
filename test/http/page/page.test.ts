import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { assertAccessible, assertFits, launchBrowser, openPage } from "../../support/browser.ts";
import { startTestServer, type TestServer } from "../../support/test-server.ts";
import { until } from "../../support/until.ts";

const COUNTS = `import { Gauge } from "prom-client";
new Gauge({ name: "one", help: "x" }).set(1);
export function process() {}`;
const FAILS = `import { Gauge } from "prom-client";
export function process() {
	throw new Error("no such disk");
}`;
const ADDS = `import * as z from "zod";
export default (server) => {
	const inputSchema = z.object({ a: z.number(), b: z.number(), note: z.string().optional() });
	server.registerTool("add", { description: "Adds", inputSchema }, ({ a, b }) => ({
		content: [{ type: "text", text: "the sum is " + (a + b) }],
	}));
	server.registerTool("crash", {}, () => {
		setImmediate(() => { throw new Error("it fell over"); });
		return new Promise(() => undefined);
	});
	server.registerResource("r", "x://r", {}, () => ({ contents: [] }));
	server.registerPrompt("p", {}, () => ({ messages: [] }));
};`;
const MARKUP = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
/** Everything that a module can say, as markup. */
const HOSTILE = `import { Gauge } from "prom-client";
import * as z from "zod";
const markup = ${JSON.stringify(MARKUP)};
new Gauge({ name: "hostile", help: markup, labelNames: ["l"] }).set({ l: markup }, 1);
console.error(markup);
export default (server) => {
	const inputSchema = z.object({ [markup]: z.string().describe(markup) });
	server.registerTool("hostile", { title: markup, description: markup, inputSchema }, () => ({
		content: [{ type: "text", text: markup }],
	}));
	server.registerPrompt("hostile", { description: markup }, () => ({ messages: [] }));
	server.registerResource(markup, "x://hostile", { description: markup }, () => ({ contents: [] }));
};`;
const FILES = {
	"metrics/counts.js": COUNTS,
	"metrics/fails.js": FAILS,
	"metrics/broken.js": "export function process() {",
	"metrics/says-markup.js": `export function process() { throw new TypeError(${JSON.stringify(MARKUP)}); }`,
	"mcps/adds.js": ADDS,
	"mcps/hostile.js": HOSTILE,
};
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

let browser: Browser;
before(async () => {
	browser = await launchBrowser();
});
after(() => browser.close());

/** One host is enough for all that only looks at it. */
async function startHost(t: Parameters<typeof startTestServer>[0]): Promise<TestServer> {
	const server = await startTestServer(t, { files: FILES });
	await until(async () => (await server.module("metrics/fails")).collection !== null, "the first collection");
	return server;
}

test("the list says what is wrong, fits a phone, and is readable in the dark, without a mouse and by ear", async (t) => {
	const { url } = await startHost(t);
	const wide = await openPage(t, browser);
	await wide.page.goto(url);
	await wide.page.locator("#live", { hasText: "Live" }).waitFor();
	assert.equal(await wide.page.locator("h1").textContent(), "!5 of 6 serving");
	const wrong = wide.page.getByRole("list").getByRole("listitem");
	assert.equal(await wrong.count(), 3);
	assert.match(
		(await wrong.filter({ hasText: "metrics/broken" }).textContent()) ?? "",
		/metrics\/broken\.js:2:1.*What to do/s,
	);
	assert.match(
		(await wrong.filter({ hasText: "metrics/fails" }).textContent()) ?? "",
		/metrics\/fails\.js:3:\d+.*no such disk/s,
	);
	assert.equal(await wide.page.getByRole("row").count(), 7);
	await assertAccessible(wide.page);

	// Searched and filtered as it is typed.
	await wide.page.getByLabel("Search modules").fill("adds");
	await wide.page.getByRole("row").nth(2).waitFor({ state: "detached" });
	assert.match((await wide.page.getByRole("row").nth(1).textContent()) ?? "", /mcps\/adds/);
	await wide.page.getByRole("link", { name: "mcps/adds" }).press("Enter");
	await wide.page.waitForURL("**/modules/mcps/adds");
	wide.assertQuiet();

	const narrow = await openPage(t, browser, { ...PHONE, colorScheme: "dark" });
	await narrow.page.goto(url);
	await narrow.page.locator("#live", { hasText: "Live" }).waitFor();
	await assertFits(narrow.page);
	assert.equal(await narrow.page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(15, 20, 26)");
	await assertAccessible(narrow.page);
	for (const path of ["/modules/mcps/hostile", "/modules/metrics/broken", "/connect"]) {
		await narrow.page.goto(url + path);
		await narrow.page.locator("#live", { hasText: "Live" }).waitFor();
		await assertFits(narrow.page);
		await assertAccessible(narrow.page);
	}
	narrow.assertQuiet();
});

test("the list is there without a script, and loads nothing from elsewhere", async (t) => {
	const { url } = await startHost(t);
	const { page, assertQuiet } = await openPage(t, browser, { javaScriptEnabled: false });
	const asked: string[] = [];
	page.on("request", (request) => asked.push(request.url()));
	await page.goto(`${url}/?q=metrics&filter=problems`);
	assert.equal(await page.getByRole("row").count(), 4);
	assert.equal(
		await page.getByRole("link", { name: "metrics/broken" }).first().getAttribute("href"),
		"modules/metrics/broken",
	);
	assert.deepEqual(
		asked.filter((each) => !each.startsWith(url) && !each.startsWith("data:")),
		[],
	);
	assertQuiet();
});

test("a crash, its mending and a new module are seen live; a tool is tried from its form", async (t) => {
	const server = await startHost(t);
	const { page, assertQuiet } = await openPage(t, browser);
	await page.goto(server.url);
	await page.locator("#live", { hasText: "Live" }).waitFor();
	await server.save(
		"mcps/dies.js",
		"setTimeout(() => { throw new Error('dead on arrival') }, 50); export default () => undefined;",
	);
	const row = page.getByRole("row").filter({ hasText: "mcps/dies" });
	await row.filter({ hasText: /crash/ }).waitFor();
	const card = page.getByRole("listitem").filter({ hasText: "dead on arrival" });
	await card.filter({ hasText: "What to do" }).waitFor();
	await page.locator("#news", { hasText: /mcps\/dies/ }).waitFor({ state: "attached" }); // what a screen reader says
	await server.save("mcps/dies.js", "export default () => undefined;");
	await card.waitFor({ state: "detached" }); // what is mended is no problem

	await page.goto(`${server.url}/modules/mcps/adds`);
	await page.locator("#live", { hasText: "Live" }).waitFor();
	await page.locator("summary").filter({ hasText: "add" }).first().click();
	await page.getByLabel("a (required)").fill("2");
	await page.getByLabel("b (required)").fill("3");
	await page.getByRole("button", { name: "Call add" }).click();
	await page.locator(".result").filter({ hasText: "the sum is 5" }).waitFor();
	await page.getByLabel("b (required)").fill("many");
	await page.getByRole("button", { name: "Call add" }).click();
	await page.locator(".result").filter({ hasText: "✕ Error" }).waitFor();
	await page.getByRole("heading", { name: "Resources" }).waitFor();
	await page.getByRole("heading", { name: "Prompts" }).waitFor();

	await page.getByRole("button", { name: "Restart" }).click();
	await page.locator(".life li", { hasText: "generation 2 serves" }).waitFor();
	await page.getByRole("button", { name: "Disable" }).click();
	await page.getByRole("button", { name: "Enable" }).click();
	await page.locator(".life li", { hasText: "generation 3 serves" }).waitFor();
	assertQuiet();
});

test("no text of a module becomes markup, wherever it is shown", async (t) => {
	const server = await startHost(t);
	const { page, assertQuiet } = await openPage(t, browser);
	await page.goto(server.url);
	await page.locator("#live", { hasText: "Live" }).waitFor();
	await page.getByRole("listitem").filter({ hasText: MARKUP }).waitFor();
	await page.goto(`${server.url}/modules/mcps/hostile`);
	await page.locator("#live", { hasText: "Live" }).waitFor();
	await page.locator("#log", { hasText: MARKUP }).waitFor();
	await page.locator("#sample-table", { hasText: "onerror" }).waitFor();
	await page.locator("summary").filter({ hasText: "hostile" }).first().click();
	await page.locator(".tool .prose", { hasText: MARKUP }).waitFor();
	await page.locator(".field input").fill("x");
	await page.getByRole("button", { name: "Call hostile" }).click();
	await page.locator(".result").filter({ hasText: MARKUP }).waitFor();
	assert.equal(await page.locator("main img, main script").count(), 0);
	assert.equal(await page.evaluate("window.pwned"), undefined);
	assertQuiet();

	// Written by the host, without a script to correct it; and whatever the address says.
	for (const path of [
		"/",
		"/modules/mcps/hostile",
		`/modules/mcps/${encodeURIComponent(MARKUP)}`,
		`/?q=${encodeURIComponent(MARKUP)}`,
	]) {
		const response = await fetch(server.url + path, { headers: { accept: "text/html" } });
		const html = await response.text();
		assert.equal(response.status, 200, path);
		assert.doesNotMatch(html, /<img|<script>/, path);
		assert.match(
			response.headers.get("content-security-policy") ?? "",
			/^default-src 'none'; script-src 'self'; style-src 'self';/,
		);
	}
});

test("where authentication is on, nothing is shown before a token with the scope is given, and the tab alone keeps it", async (t) => {
	const sha256 = createHash("sha256").update("token-of-an-operator").digest("hex");
	const tokens = `- { name: ops, sha256: ${sha256}, scopes: [admin, mcp, metrics] }\n`;
	const files = { ...FILES, "tokens.yaml": tokens };
	const { url } = await startTestServer(t, { files, env: { AUTH_TOKENS_FILE: "tokens.yaml" } });
	const html = await (await fetch(url, { headers: { accept: "text/html" } })).text();
	assert.doesNotMatch(html, /counts|serving/);
	const { page } = await openPage(t, browser);
	await page.goto(url);
	await page.getByLabel("Token").fill("token-of-nobody");
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.getByRole("alert").waitFor();
	await assertAccessible(page);
	await page.getByLabel("Token").fill("token-of-an-operator");
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.getByRole("heading", { level: 1, name: /of 6 serving/ }).waitFor();
	assert.deepEqual(await page.evaluate("[localStorage.length, document.cookie, sessionStorage.length]"), [0, "", 1]);
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByLabel("Token").waitFor();
});
