import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sendRaw } from "../../support/raw-http.ts";
import { startTestServer } from "../../support/test-server.ts";

const PROBES = ["/livez", "/readyz", "/health", "/readyz/?verbose"];

async function statusOf(url: string, path: string, host: string): Promise<number> {
	return (await sendRaw(url, `GET ${path} HTTP/1.1\nHost: ${host}\nConnection: close`)).status;
}

const openServer = (t: TestContext, env: Record<string, string> = {}) =>
	startTestServer(t, { env: { HOST: "0.0.0.0", ALLOW_UNAUTHENTICATED: "true", ...env } });

test("the probes answer whatever the Host, and without one", async (t) => {
	const { url } = await startTestServer(t);
	for (const path of PROBES) {
		for (const host of ["10.244.0.5:8000", "bulkhead.monitoring.svc", "evil.example", "a b", "user@x", ""])
			assert.equal(await statusOf(url, path, host), 200, `${path} ${host}`);
		assert.equal((await sendRaw(url, `GET ${path} HTTP/1.0`)).status, 200);
		assert.equal((await sendRaw(url, `GET ${path} HTTP/1.1\nHost: a\nHost: b\nConnection: close`)).status, 200);
		assert.equal((await sendRaw(url, `GET http://x${path} HTTP/1.1\nHost: y\nConnection: close`)).status, 200);
	}
	assert.equal((await sendRaw(url, "GET /metrics HTTP/1.0")).status, 400);
});

test("an IP address passes where the host is open to other machines, and there alone", async (t) => {
	const addresses = ["10.0.0.7:8000", "10.0.0.7", "[fd00::5]:8000", "[FD00:0::5]", "192.168.1.4:80"];
	const { url } = await openServer(t);
	for (const host of addresses) assert.equal(await statusOf(url, "/metrics", host), 200, host);
	for (const host of [
		"evil.example",
		"10.0.0.7.evil.example",
		"0x0a.0.0.7",
		"10.7",
		"[fe80::1%25eth0]",
		"[::gg]",
		"[::1",
	])
		assert.ok((await statusOf(url, "/metrics", host)) >= 400, host);
	const local = await startTestServer(t);
	for (const host of addresses) assert.equal(await statusOf(local.url, "/metrics", host), 403, host);
	assert.equal(await statusOf(local.url, "/metrics", "[::1]:9"), 200);
});

test("a name is the same in any case, with a dot at its end and with any port; an entry with a port means that one", async (t) => {
	const { url } = await startTestServer(t, {
		env: { ALLOWED_HOSTS: "localhost,a.example:8443,b.example:443,größe.example" },
	});
	const status = (host: string): Promise<number> => statusOf(url, "/metrics", host);
	for (const host of [
		"LOCALHOST:8000",
		"localhost.:8000",
		"localhost",
		"localhost:",
		"A.Example:8443",
		"b.example",
		"b.example:443",
		"xn--gre-6ka8i.example",
	])
		assert.equal(await status(host), 200, host);
	for (const host of [
		"a.example",
		"a.example:8444",
		"b.example:80",
		"127.0.0.1",
		"localhost.evil.example",
		"localhost..",
	])
		assert.ok((await status(host)) >= 400, host);
});

test("odd forms are refused", async (t) => {
	const { url } = await startTestServer(t, { env: { ALLOWED_HOSTS: "localhost" } });
	const odd = [
		"localhost@evil.example",
		"evil.example@localhost",
		"localhost, evil.example",
		"localhost/x",
		"localhost:1:2",
		"localhost:99999",
		"http://localhost",
		"localhost#",
		"local\thost",
		"lo%63alhost",
		".localhost",
		"localhost\\x",
	];
	for (const host of odd) assert.equal(await statusOf(url, "/metrics", host), 400, host);
	const heads = [
		"GET /metrics HTTP/1.1\nHost: localhost\nHost: evil.example",
		"GET /metrics HTTP/1.1\nHost: localhost\nhOST: localhost",
		"GET http://evil.example/metrics HTTP/1.1\nHost: localhost",
		"GET http://localhost@evil.example/metrics HTTP/1.1\nHost: localhost",
		"GET ftp://localhost/metrics HTTP/1.1\nHost: localhost",
		"GET http:///metrics HTTP/1.1\nHost: localhost",
	];
	for (const head of heads) assert.equal((await sendRaw(url, `${head}\nConnection: close`)).status, 400, head);
	const whole = await sendRaw(
		url,
		"GET http://LOCALHOST:8000/metrics?module=x HTTP/1.1\nHost: localhost:8000\nConnection: close",
	);
	assert.equal(whole.status, 404, "routed by its path");
	assert.match(whole.body, /MODULE_NOT_FOUND/);
});

test("a refusal names the variable, and is logged once for each name and not without end", async (t) => {
	const server = await startTestServer(t);
	const { body } = await sendRaw(
		server.url,
		"GET /metrics HTTP/1.1\nHost: bulkhead.monitoring.svc:8000\nConnection: close",
	);
	assert.equal((JSON.parse(body) as { code: string }).code, "HOST_NOT_ALLOWED");
	assert.match(body, /ALLOWED_HOSTS/);
	for (let index = 0; index < 150; index++) await statusOf(server.url, "/", `n${index}.example`);
	await statusOf(server.url, "/", "bulkhead.monitoring.svc");
	const lines = server.logged.filter((line) => line.includes("ALLOWED_HOSTS"));
	assert.equal(lines.filter((line) => line.includes('"bulkhead.monitoring.svc"')).length, 1);
	assert.equal(lines.length, 101);
});

test("the name of PUBLIC_URL is one of the host's", async (t) => {
	const { url } = await startTestServer(t, { env: { PUBLIC_URL: "https://mcp.example/bulkhead/" } });
	assert.equal(await statusOf(url, "/metrics", "mcp.example"), 200);
});
