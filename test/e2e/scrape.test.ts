/** What a scraper can ask for: everything, some modules, only the head, nothing new, and to be collected now. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parseStrictly, seriesOf } from "../support/strict-exposition.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const gaugeModule = (name: string, labels: string): string => `
	import { Gauge } from "prom-client";
	const own = new Gauge({ name: "own_${name}", help: "Alone." });
	const shared = new Gauge({ name: "shared", help: "Of several modules.", labelNames: ["from"] });
	export function process() {
		own.set(1);
		shared.set(${labels}, 1);
	}
`;
const FILES = {
	"metrics/a.ts": gaugeModule("a", '{ from: "a" }'),
	"metrics/b.ts": gaugeModule("b", '{ from: "b" }'),
	"metrics/c.ts": gaugeModule("c", '{ from: "c" }'),
	"mcps/shop.ts": `
		import { Counter } from "prom-client";
		new Counter({ name: "orders_total", help: "Orders." });
		export default () => {};
	`,
};
const collectedAll = (server: TestServer): Promise<void> =>
	until(
		async () =>
			(
				await Promise.all(Object.keys(FILES).map(async (file) => (await server.module(idOf(file))).collection?.success))
			).every((success) => success === true),
		"every module is collected",
	);
const idOf = (file: string): string => file.replace(".ts", "");

test("?module= gives these modules alone, what they share in one block, and names the one it does not know", async (t) => {
	const server = await startTestServer(t, { files: FILES });
	await collectedAll(server);
	const seriesAt = async (path: string): Promise<readonly string[]> => {
		const response = await fetch(`${server.url}${path}`);
		assert.equal(response.status, 200);
		return [...seriesOf(parseStrictly(await response.text(), "text")).keys()].toSorted();
	};
	assert.deepEqual(await seriesAt("/metrics?module=a"), ["own_a", 'shared{from="a"}']);
	assert.deepEqual(await seriesAt("/metrics/a"), ["own_a", 'shared{from="a"}']);
	assert.deepEqual(await seriesAt("/api/v1/metrics/prometheus?module=metrics/c&module=a&module=a"), [
		"own_a",
		"own_c",
		'shared{from="a"}',
		'shared{from="c"}',
	]);
	assert.deepEqual(await seriesAt("/metrics?module=mcps/shop&module=b"), ["orders_total", "own_b", 'shared{from="b"}']);
	const all = await seriesAt("/metrics");
	for (const series of ["own_a", 'shared{from="b"}', "orders_total", 'mcp_server_up{server_id="metrics/a"}'])
		assert.ok(all.includes(series), series);

	for (const path of ["/metrics?module=a&module=nobody", "/metrics/nobody", "/metrics?module=metrics/nobody"]) {
		const response = await fetch(`${server.url}${path}`);
		assert.equal(response.status, 404);
		assert.equal(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
		const { title, detail } = (await response.json()) as { title: string; detail: string };
		assert.equal(title, "Unknown module");
		assert.match(detail, /^there is no module metrics\/nobody/);
	}
});

test("HEAD has the headers of GET and no body; a page that has not changed is not sent again", async (t) => {
	const server = await startTestServer(t, { files: FILES });
	await collectedAll(server);
	const url = `${server.url}/metrics/a`;
	const got = await exchange(url);
	const page = got.body.toString();
	assert.equal(got.headers["content-length"], String(got.body.length));
	const etag = String(got.headers["etag"]);
	const head = await exchange(url, { method: "HEAD" });
	assert.equal(head.status, 200);
	assert.equal(head.headers["content-length"], String(got.body.length));
	assert.equal(head.headers["etag"], etag);
	assert.equal(head.body.length, 0);
	for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
		const again = await exchange(url, { headers: { "if-none-match": known } });
		assert.equal(again.status, 304, known);
		assert.equal(again.headers["vary"], "Accept, Accept-Encoding, Origin");
		assert.equal(again.body.length, 0);
	}
	assert.equal((await exchange(url, { headers: { "if-none-match": '"other"' } })).status, 200);
	const zipped = await exchange(url, { headers: { "accept-encoding": "gzip" } });
	assert.equal(zipped.headers["content-encoding"], "gzip");
	assert.equal(gunzipSync(zipped.body).toString(), page);
	assert.equal((await exchange(url, { method: "DELETE" })).status, 405);
});

test("/sd names each metric module, and a real Prometheus that discovers them there has each up under its id", async (t) => {
	const server = await startTestServer(t, { files: FILES });
	await collectedAll(server);
	const { host } = new URL(server.url);
	const response = await fetch(`${server.url}/sd`);
	assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
	assert.deepEqual(
		await response.json(),
		["a", "b", "c"].map((name) => ({
			targets: [host],
			labels: { __metrics_path__: `/metrics/${name}`, server_id: `metrics/${name}` },
		})),
	);
	const prometheus = await startPrometheus(
		t,
		[
			"global: {scrape_interval: 2s, scrape_timeout: 2s}", // a scrape that fails is made up for by the next
			`scrape_configs: [{job_name: modules, http_sd_configs: [{url: "${server.url}/sd", refresh_interval: 1s}]}]`,
		].join("\n"),
	);
	const idsOf = async (query: string): Promise<readonly string[]> =>
		(await prometheus.query(query)).map(({ metric }) => metric["server_id"] ?? "").toSorted();
	await until(async () => (await idsOf("up == 1")).length === 3, "three targets are up", 60_000);
	assert.deepEqual(await idsOf("up"), ["metrics/a", "metrics/b", "metrics/c"]);
	await until(async () => (await idsOf("own_b")).join() === "metrics/b", "its series has its id", 60_000);
	// A module that comes later is found without a change to the configuration.
	await server.save("metrics/d.ts", gaugeModule("d", '{ from: "d" }'));
	await until(async () => (await idsOf("own_d")).length === 1, "the new module is scraped", 60_000);
});

test("with the endpoint turned off, none of its routes is there", async (t) => {
	const server = await startTestServer(t, { files: FILES, env: { METRICS_ENDPOINT_ENABLED: "false" } });
	for (const path of ["/metrics", "/metrics/a", "/sd", "/api/v1/metrics/prometheus"])
		assert.equal((await fetch(`${server.url}${path}`)).status, 404, path);
});

/** Counts its runs, and how many there were at one time. @param wait what each run waits for */
const onScrapeModule = (wait: string): string => `
	import { Gauge } from "prom-client";
	const runs = new Gauge({ name: "runs", help: "Runs of process()." });
	const most = new Gauge({ name: "most_at_once", help: "Runs at one time." });
	export const options = { onScrape: true };
	let count = 0;
	let running = 0;
	export async function process() {
		running++;
		most.set(Math.max(running, (await most.get()).values[0]?.value ?? 0));
		count++;
		${wait}
		runs.set(count);
		running--;
	}
`;

test("a module that asks for it is collected by each scrape, and by no interval", async (t) => {
	const server = await startTestServer(t, {
		files: { "metrics/now.ts": onScrapeModule(""), "metrics/a.ts": FILES["metrics/a.ts"] },
		env: { COLLECT_INTERVAL_MS: "20" },
	});
	await until(async () => (await server.module("metrics/now")).collection?.success === true, "collected at the start");
	const first = sampleOf(await server.metrics(), "runs") ?? Number.NaN;
	for (let scrape = 1; scrape <= 5; scrape++) assert.equal(sampleOf(await server.metrics(), "runs"), first + scrape);
	// Scrapes of others are none of its business, and in their time an interval would have passed many times over.
	const collectedAt = new Set<string | undefined>();
	await until(async () => {
		collectedAt.add((await server.module("metrics/a")).collection?.at);
		return collectedAt.size > 5;
	}, "another module has been collected again and again");
	assert.equal(sampleOf(await (await fetch(`${server.url}/metrics/now`)).text(), "runs"), first + 6);
});

test("scrapes at the same time share one collection", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/now.ts": onScrapeModule("if (count === 3) await new Promise((done) => setTimeout(done, 3000));"),
		},
	});
	await until(async () => (await server.module("metrics/now")).collection?.success === true, "collected at the start");
	const first = sampleOf(await server.metrics(), "runs") ?? Number.NaN;
	const pages = await Promise.all(Array.from({ length: 20 }, () => server.metrics()));
	const runs = new Set(pages.map((page) => sampleOf(page, "runs")));
	assert.deepEqual(runs, new Set([first + 1]));
	assert.equal(sampleOf(await server.metrics(), "most_at_once"), 1);
});

test("a scraper that cannot wait gets the last good snapshot within its own timeout, and the collection goes on", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/now.ts": onScrapeModule("if (count > 1) await new Promise((done) => setTimeout(done, 8000));"),
		},
		env: { COLLECT_TIMEOUT_MS: "30000" },
	});
	await until(async () => (await server.module("metrics/now")).collection?.success === true, "collected at the start");
	const startedAt = performance.now();
	const response = await fetch(`${server.url}/metrics`, { headers: { "X-Prometheus-Scrape-Timeout-Seconds": "0.5" } });
	const page = await response.text();
	const tookMs = performance.now() - startedAt;
	assert.ok(tookMs >= 390, `it waited as long as it could, ${tookMs} ms`);
	assert.ok(tookMs < 7500, `it did not wait for the module, ${tookMs} ms`);
	assert.equal(sampleOf(page, "runs"), 1);
	// The one that waits joins what is under way.
	assert.equal(sampleOf(await server.metrics(), "runs"), 2);
	assert.equal((await server.module("metrics/now")).collection?.success, true);
});

test("onScrape is true or false, and anything else is told to the author", async (t) => {
	const server = await startTestServer(t, {
		files: { "metrics/wrong.ts": 'export const options = { onScrape: "yes" };\nexport function process() {}' },
	});
	const { load_error: problem, last_restart: restart } = await server.module("metrics/wrong");
	assert.match(
		`${problem?.message} ${restart?.problem.message}`,
		/options\.onScrape must be true or false, and is "yes"/,
	);
});

interface Exchanged {
	readonly status: number | undefined;
	readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
	readonly body: Buffer;
}

/** Without `fetch`, which unpacks bodies and adds headers of its own. */
function exchange(
	url: string,
	options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Exchanged> {
	return new Promise((resolve, reject) => {
		const sent = request(url, options, (response) => {
			const chunks: Buffer[] = [];
			response.on("data", (chunk: Buffer) => chunks.push(chunk));
			response.on("end", () =>
				resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
			);
		});
		sent.on("error", reject);
		sent.end();
	});
}
