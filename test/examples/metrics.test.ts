import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { freePort } from "../../src/stdio/free-port.ts";
import { pageWith, startExample } from "../support/example-server.ts";
import { until } from "../support/until.ts";

test("http-probe: what answers is up with its status, what does not is down", async (t) => {
	const address = await listen(
		t,
		createServer((_, response) => void response.writeHead(204).end()),
	);
	const nobody = `http://127.0.0.1:${await freePort()}/`;
	const server = await startExample(t, {
		file: "metrics/http-probe.ts",
		env: { PROBE_URLS: `http://${address}/, ${nobody}` },
	});
	await pageWith(server, `http_probe_up{url="http://${address}/"}`, (value) => value === 1);
	await pageWith(server, `http_probe_status_code{url="http://${address}/"}`, (value) => value === 204);
	await pageWith(server, `http_probe_up{url="${nobody}"}`, (value) => value === 0);
});

test("tls-expiry: the date of the certificate, an expired or self-signed one included", async (t) => {
	const folder = await temporary(t);
	const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name)) as [string, string];
	const request = `req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 10 -subj /CN=localhost`;
	execFileSync("openssl", request.split(" "), { stdio: "ignore" });
	const address = await listen(t, createTlsServer({ key: await readFile(key), cert: await readFile(cert) }));
	const server = await startExample(t, { file: "metrics/tls-expiry.ts", env: { TLS_HOSTS: address } });
	const tenDays = Date.now() / 1000 + 10 * 86_400;
	const isThen = (value: number): boolean => Math.abs(value - tenDays) < 3600;
	await pageWith(server, `tls_certificate_expiry_timestamp_seconds{host="${address}"}`, isThen);
});

test("disk: size and inodes of a granted path", async (t) => {
	const server = await startExample(t, {
		file: "metrics/disk.ts",
		env: { DISK_PATHS: "/" },
		policy: "permissions: { read: [/] }",
	});
	await pageWith(server, 'disk_size_bytes{path="/"}', (value) => value > 1e6);
	await pageWith(server, 'disk_inodes_free{path="/"}', (value) => value >= 0);
});

test("processes: how many of a name run", { skip: process.platform !== "linux" }, async (t) => {
	const sleeper = spawn("sleep", ["300"]);
	t.after(() => sleeper.kill("SIGKILL"));
	const server = await startExample(t, {
		file: "metrics/processes.ts",
		env: { PROCESS_NAMES: "sleep,nobody-is-called-so" },
		policy: "permissions: { read: [/proc] }",
	});
	await pageWith(server, 'processes_running{name="sleep"}', (value) => value >= 1);
	await pageWith(server, 'processes_resident_memory_bytes{name="sleep"}', (value) => value > 0);
	await pageWith(server, 'processes_running{name="nobody-is-called-so"}', (value) => value === 0);
});

test("redis: a real server's figures, its counter as it counts, and 0 when it is gone", async (t) => {
	const port = await freePort();
	const redis = spawn("redis-server", ["--port", String(port), "--save", "", "--dir", await temporary(t)], {
		stdio: "ignore",
	});
	t.after(() => redis.kill("SIGKILL"));
	const server = await startExample(t, { file: "metrics/redis.ts", env: { REDIS_ADDRESS: `127.0.0.1:${port}` } });
	await pageWith(server, "redis_up", (value) => value === 1);
	await pageWith(server, "redis_memory_used_bytes", (value) => value > 100_000);
	const saved = await readFile(path.join(server.folder, "metrics/redis.ts"), "utf8");
	await server.save("metrics/redis.ts", `${saved}\nexport const saved = true;\n`);
	await until(async () => (await server.module("metrics/redis")).generation === 2, "the saved version serves");
	// Each collection is two commands: a few dozen at the most, where the versions added up would be twice as many.
	await pageWith(server, "redis_commands_total", (value) => value > 0 && value < 1000);
	redis.kill("SIGKILL");
	await once(redis, "exit");
	await pageWith(server, "redis_up", (value) => value === 0);
});

test("rest-poller: a number deep in an answer, asked for with the token", async (t) => {
	let asked: string | undefined;
	const address = await listen(
		t,
		createServer((request, response) => {
			asked = request.headers.authorization;
			response.end(JSON.stringify({ queue: { depth: 42 } }));
		}),
	);
	const server = await startExample(t, {
		file: "metrics/rest-poller.ts",
		env: { API_URL: `http://${address}/`, API_FIELD: "queue.depth", API_TOKEN: "s3cret" },
	});
	await pageWith(server, 'rest_value{field="queue.depth"}', (value) => value === 42);
	assert.equal(asked, "Bearer s3cret");
});

test("log-lines: new lines by level, half a line once it is whole, and a rotated file from its beginning", async (t) => {
	const file = path.join(await temporary(t), "app.log");
	await writeFile(file, "an old error\n");
	const server = await startExample(t, {
		file: "metrics/log-lines.ts",
		env: { LOG_PATH: file },
		policy: `permissions: { read: [${file}] }`,
	});
	await pageWith(server, 'log_lines_total{level="error"}', (value) => value === 0);
	await appendFile(file, "ERROR one\nINFO two\nsomething\nERR");
	await pageWith(server, 'log_lines_total{level="error"}', (value) => value === 1);
	await pageWith(server, 'log_lines_total{level="other"}', (value) => value === 1);
	await appendFile(file, "OR three\n");
	await pageWith(server, 'log_lines_total{level="error"}', (value) => value === 2);
	await writeFile(file, "WARN new\n");
	await pageWith(server, 'log_lines_total{level="warn"}', (value) => value === 1);
});

test("textfile: every good line, and the bad ones counted", async (t) => {
	const folder = await temporary(t);
	const server = await startExample(t, {
		file: "metrics/textfile.ts",
		env: { TEXTFILE_DIR: folder },
		policy: `permissions: { read: [${folder}] }`,
	});
	await writeFile(
		path.join(folder, "backup.prom"),
		'# HELP backup_bytes Size of the last backup\n# TYPE backup_bytes gauge\nbackup_bytes{path="/a\\"b"} 12\n' +
			"backup_bytes 1,5\nno value\nbackup_ok 1\nbackup_age_seconds +Inf\n",
	);
	const page = await pageWith(server, "textfile_bad_lines", (value) => value === 2);
	assert.match(page, /^# HELP backup_bytes Size of the last backup$/m);
	assert.match(page, /^backup_bytes\{path="\/a\\"b"\} 12$/m);
	assert.match(page, /^backup_ok 1$/m);
	assert.match(page, /^backup_age_seconds \+Inf$/m);
});

async function listen(t: TestContext, server: Server): Promise<string> {
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => server.close());
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function temporary(t: TestContext): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-example-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	return folder;
}
