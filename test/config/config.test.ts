import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
	type ConfigProblem,
	configVariables,
	describeProblems,
	type Environment,
	type HostConfig,
	type Launch,
	loadConfig,
} from "../../src/config/config.ts";

const START_DIR = "/srv/app";

test("without any variable the defaults of the contract hold", () => {
	assert.deepEqual(load({}), {
		port: 8000,
		host: "127.0.0.1",
		allowUnauthenticated: false,
		allowedHosts: ["localhost", "127.0.0.1", "[::1]"],
		keepAliveTimeoutMs: 65_000,
		allowedOrigins: ["localhost", "127.0.0.1", "[::1]"],
		rateLimitPerMinute: 0,
		metricsDir: "/srv/app/metrics",
		mcpsDir: "/srv/app/mcps",
		stateDir: "/srv/app/.bulkhead",
		pluginsFile: "/srv/app/plugins.yaml",
		sandbox: "standard",
		collectIntervalMs: 15_000,
		collectTimeoutMs: 10_000,
		collectMaxAgeMs: 300_000,
		counterState: false,
		metricsEndpointEnabled: true,
		prometheusRegistryEnabled: true,
		callTimeoutMs: 30_000,
		callMaxResultBytes: 4_194_304,
		callConcurrency: 64,
		callQueue: 256,
		listPageSize: 1000,
		sessionIdleTimeoutMs: 1_800_000,
		sessionMax: 10_000,
		moduleStartTimeoutMs: 10_000,
		moduleMemoryMb: 128,
		moduleMaxSeries: 10_000,
		moduleMaxLabels: 30,
		moduleMaxLabelLength: 1024,
		hangTimeoutMs: 5000,
		shutdownDelayMs: 0,
		shutdownTimeoutMs: 10_000,
		mainPriority: "normal",
		logLevel: "info",
		logFormat: "json",
		logMaxSizeMb: 100,
		logMaxFiles: 10,
		logRequests: "errors",
		slowRequestMs: 5000,
	});
});

test("every variable is read from the environment", () => {
	const config = load({
		PORT: "0",
		HOST: "::",
		ALLOW_UNAUTHENTICATED: "true",
		METRICS_PORT: "9091",
		METRICS_HOST: "::1",
		PUBLIC_URL: "https://Mcp.Example/bulkhead/",
		KEEP_ALIVE_TIMEOUT_MS: "66",
		ALLOWED_HOSTS: "Metrics.Example, 10.0.0.7, 2001:DB8:0::1, [::1]:8000, localhost.:9,",
		ALLOWED_ORIGINS: "app.example,moz-extension://*,HTTPS://App.example:443/,http://[::1]:6274,null",
		AUTH_TOKENS_FILE: "tokens.yaml",
		WEB_CONFIG_FILE: "web.yml",
		OAUTH_ISSUER: "https://Issuer.example/",
		OAUTH_AUDIENCE: "bulkhead, https://mcp.example/mcp",
		OAUTH_JWKS_URI: "https://issuer.example/keys",
		RATE_LIMIT_PER_MINUTE: "60",
		AUDIT_LOG_FILE: "log/audit.log",
		METRICS_DIR: "a/../m",
		MCPS_DIR: "/mcps",
		STATE_DIR: "state",
		PLUGINS_FILE: "policy/p.yaml",
		SANDBOX: "strict",
		COLLECT_INTERVAL_MS: "11",
		COLLECT_TIMEOUT_MS: "12",
		COLLECT_MAX_AGE_MS: "13",
		COUNTER_STATE: "true",
		METRICS_ENDPOINT_ENABLED: "false",
		PROMETHEUS_REGISTRY_ENABLED: "false",
		CALL_TIMEOUT_MS: "14",
		CALL_MAX_RESULT_BYTES: "1500",
		CALL_CONCURRENCY: "16",
		CALL_QUEUE: "0",
		LIST_PAGE_SIZE: "7",
		SESSION_IDLE_TIMEOUT_MS: "17",
		SESSION_MAX: "18",
		REQUEST_STATE_KEY: "k".repeat(32),
		MODULE_START_TIMEOUT_MS: "19",
		MODULE_MEMORY_MB: "20",
		MODULE_MAX_SERIES: "21",
		MODULE_MAX_LABELS: "22",
		MODULE_MAX_LABEL_LENGTH: "23",
		HANG_TIMEOUT_MS: "240",
		SHUTDOWN_DELAY_MS: "5",
		SHUTDOWN_TIMEOUT_MS: "0",
		MAIN_PRIORITY: "realtime",
		LOG_LEVEL: "debug",
		LOG_FORMAT: "pretty",
		LOG_FILE: "log/host.log",
		LOG_MAX_SIZE_MB: "25",
		LOG_MAX_FILES: "26",
		LOG_REQUESTS: "all",
		SLOW_REQUEST_MS: "27",
	});
	assert.deepEqual(config, {
		port: 0,
		host: "::",
		allowUnauthenticated: true,
		metricsPort: 9091,
		metricsHost: "::1",
		publicUrl: "https://mcp.example/bulkhead",
		keepAliveTimeoutMs: 66,
		allowedHosts: ["metrics.example", "10.0.0.7", "[2001:db8::1]", "[::1]:8000", "localhost:9"],
		allowedOrigins: ["app.example", "moz-extension://*", "https://app.example", "http://[::1]:6274", "null"],
		authTokensFile: "/srv/app/tokens.yaml",
		webConfigFile: "/srv/app/web.yml",
		oauthIssuer: "https://Issuer.example/",
		oauthAudience: ["bulkhead", "https://mcp.example/mcp"],
		oauthJwksUri: "https://issuer.example/keys",
		rateLimitPerMinute: 60,
		auditLogFile: "/srv/app/log/audit.log",
		metricsDir: "/srv/app/m",
		mcpsDir: "/mcps",
		stateDir: "/srv/app/state",
		pluginsFile: "/srv/app/policy/p.yaml",
		sandbox: "strict",
		collectIntervalMs: 11,
		collectTimeoutMs: 12,
		collectMaxAgeMs: 13,
		counterState: true,
		metricsEndpointEnabled: false,
		prometheusRegistryEnabled: false,
		callTimeoutMs: 14,
		callMaxResultBytes: 1500,
		callConcurrency: 16,
		callQueue: 0,
		listPageSize: 7,
		sessionIdleTimeoutMs: 17,
		sessionMax: 18,
		requestStateKey: "k".repeat(32),
		moduleStartTimeoutMs: 19,
		moduleMemoryMb: 20,
		moduleMaxSeries: 21,
		moduleMaxLabels: 22,
		moduleMaxLabelLength: 23,
		hangTimeoutMs: 240,
		shutdownDelayMs: 5,
		shutdownTimeoutMs: 0,
		mainPriority: "realtime",
		logLevel: "debug",
		logFormat: "pretty",
		logFile: "/srv/app/log/host.log",
		logMaxSizeMb: 25,
		logMaxFiles: 26,
		logRequests: "all",
		slowRequestMs: 27,
	});
	assert.equal(Object.keys(config).length, configVariables().length);
});

test("the configuration is frozen", () => {
	const config = load({});
	assert.ok(Object.isFrozen(config) && Object.isFrozen(config.allowedHosts) && Object.isFrozen(config.allowedOrigins));
});

test("an empty value counts as not set", () => {
	assert.deepEqual(load({ PORT: "", HOST: " ", LOG_FILE: "", ALLOWED_HOSTS: "" }), load({}));
});

test("on a terminal the log is pretty unless the configuration says otherwise", () => {
	assert.equal(load({}, true).logFormat, "pretty");
	assert.equal(load({ LOG_FORMAT: "json" }, true).logFormat, "json");
});

test("all problems come together, each with variable, value and what is allowed, and nothing that is not ours", () => {
	const found = problems({
		PORT: "65536",
		CALL_QUEUE: "many",
		LOG_LEVEL: "loud\n",
		PROMETHEUS_REGISTRY_ENABLED: "1",
		HOST: "0.0.0.0",
		MCPS_DIR: "./metrics",
		STATE_DIR: "metrics",
		ALLOWED_HOSTS: "localhost:8000/x",
		ALLOWED_ORIGINS: "https://app.example/x",
		DATABASE_PASSWORD: "hunter2",
	});
	assert.deepEqual(describeProblems(found).split("\n").toSorted(), [
		"  ALLOWED_HOSTS=localhost:8000/x: must be host names with or without a port, separated by commas, or *",
		"  ALLOWED_ORIGINS=https://app.example/x: must be origins as https://app.example, host names, or scheme://* (for browser extensions), separated by commas, or *",
		"  CALL_QUEUE=many: must be a whole number from 0 to 1000000",
		"  HOST=0.0.0.0: must be a loopback address, since anybody could use this server without authentication (set AUTH_TOKENS_FILE, OAUTH_ISSUER or WEB_CONFIG_FILE to open it to others; ALLOW_UNAUTHENTICATED=true opens it to everybody)",
		'  LOG_LEVEL="loud\\n": must be debug, info, warn or error',
		"  MCPS_DIR=./metrics: must be another folder than METRICS_DIR",
		"  PORT=65536: must be a whole number from 0 to 65535",
		"  PROMETHEUS_REGISTRY_ENABLED=1: must be true or false",
		"  STATE_DIR=metrics: must be another folder than METRICS_DIR and MCPS_DIR",
		"The configuration has 9 problems:",
	]);
});

test("a secret that is wrong is not shown", () => {
	const text = describeProblems(problems({ REQUEST_STATE_KEY: "hunter2" }));
	assert.match(text, /REQUEST_STATE_KEY=\(secret\): must be at least 32 characters that nobody can guess$/);
});

test("a very long value is cut in the message", () => {
	assert.ok(describeProblems(problems({ PORT: "9".repeat(5000) })).length < 250);
});

for (const value of ["-1", "1.5", "1e3", "0x10", "８", "1 2", "604800001"])
	test(`a duration of ${value} is refused`, () => {
		assert.deepEqual(problems({ CALL_TIMEOUT_MS: value }), [
			{ variable: "CALL_TIMEOUT_MS", value, allowed: "a whole number from 1 to 604800000" },
		]);
	});

for (const host of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST", "app.localhost"])
	test(`${host} is loopback and needs no authentication`, () => {
		assert.equal(load({ HOST: host }).host, host);
	});

for (const host of ["0.0.0.0", "::", "10.0.0.7", "example.org", "localhost.example.org", "128.0.0.1"])
	test(`${host} is not loopback: refused unless ALLOW_UNAUTHENTICATED is true`, () => {
		assert.deepEqual(
			problems({ HOST: host }).map(({ variable }) => variable),
			["HOST"],
		);
		assert.equal(load({ HOST: host, ALLOW_UNAUTHENTICATED: "true" }).host, host);
		assert.equal(load({ HOST: host, AUTH_TOKENS_FILE: "t.yaml" }).host, host);
		assert.equal(load({ HOST: host, OAUTH_ISSUER: "https://i.example", OAUTH_AUDIENCE: "a" }).host, host);
	});

for (const host of ["http://localhost", "localhost:80", "[::1]", "a b", "-"])
	test(`${host} is no host`, () => {
		assert.deepEqual(
			problems({ HOST: host }).map(({ allowed }) => allowed),
			["an IP address or a host name, without a port"],
		);
	});

test("a variable that resembles one of ours is warned about, without its value", () => {
	const meant = {
		COLLECT_INTERVALL_MS: "COLLECT_INTERVAL_MS",
		COLLECT_INTERVAL: "COLLECT_INTERVAL_MS",
		HANG_TIMEOUT_SECONDS: "HANG_TIMEOUT_MS",
		ALLOWED_HOST: "ALLOWED_HOSTS",
		log_level: "LOG_LEVEL",
	};
	for (const [name, variable] of Object.entries(meant))
		assert.deepEqual(warnings({ [name]: "secret" }), [
			`${name} is set, which Bulkhead does not know. Was ${variable} meant?`,
		]);
});

test("a variable that resembles nothing, a short one, or one beside the right one is not warned about", () => {
	assert.deepEqual(
		warnings({ PATH: "x", POST: "x", HOSTS: "x", HOSTNAME: "x", SHELL: "x", LANGUAGE: "x", LOG_DIR: "x" }),
		[],
	);
	assert.deepEqual(warnings({ LOG_FILES: "x", LOG_FILE: "x" }), []);
});

test("samples that would be dropped before the next collection are warned about", () => {
	assert.deepEqual(warnings({ COLLECT_MAX_AGE_MS: "14999" }), [
		"COLLECT_MAX_AGE_MS is less than COLLECT_INTERVAL_MS: samples are dropped before the next collection.",
	]);
});

test("a host that would refuse whoever calls it by a name says so", () => {
	const open = { HOST: "0.0.0.0", ALLOW_UNAUTHENTICATED: "true" };
	for (const env of [open, { ...open, ALLOWED_HOSTS: "localhost:8000,127.0.0.1,[::1]:1" }]) {
		const [warning = "", ...more] = warnings(env);
		assert.match(warning, /HOST=0\.0\.0\.0 .*ALLOWED_HOSTS/);
		assert.deepEqual(more, []);
	}
	for (const env of [{ ALLOWED_HOSTS: "a.example" }, { ALLOWED_HOSTS: "*" }, { PUBLIC_URL: "https://a.example" }])
		assert.deepEqual(warnings({ ...open, ...env }), []);
	assert.deepEqual(warnings({}), []);
});

test(".env.example has every variable once, with its default and a line that says what it means", () => {
	const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
	const entries = [...text.matchAll(/^# (?<meaning>\S.*)\n# (?<name>[A-Z_]+)=(?<value>.*)$/gm)].map(
		({ groups }) => groups as { meaning: string; name: string; value: string },
	);
	assert.deepEqual(entries.map(({ name }) => name).toSorted(), configVariables().toSorted());
	assert.deepEqual(load(Object.fromEntries(entries.map(({ name, value }) => [name, value]))), load({}));
	assert.equal(text.match(/^(# )?[A-Z_]+=/gm)?.length, entries.length, "a variable stands without its meaning");
});

test("the process's environment wins over .env in the directory the user started in", (t) => {
	const dir = temporaryDir(t);
	writeFileSync(path.join(dir, ".env"), 'PORT=9001\nMCPS_DIR="my mcps" # ours\nexport LOG_LEVEL=warn\n');
	const { launch } = runReadLaunch({ BULKHEAD_START_DIR: dir, PORT: "9002" });
	assert.ok(launch);
	assert.equal(launch.startDir, dir);
	assert.deepEqual([launch.env["PORT"], launch.env["MCPS_DIR"], launch.env["LOG_LEVEL"]], ["9002", "my mcps", "warn"]);
});

test("a host knows from the environment that it is supervised and how often it was restarted", (t) => {
	const { launch } = runReadLaunch({
		BULKHEAD_START_DIR: temporaryDir(t),
		BULKHEAD_RESTARTS: '{"signal":2,"exit":1}',
	});
	assert.ok(launch);
	assert.deepEqual([launch.supervised, launch.restarts, launch.terminal], [true, { signal: 2, exit: 1 }, false]);
});

test("a host that was started by hand begins where it stands, and counts no restarts", () => {
	const { launch } = runReadLaunch({ BULKHEAD_RESTARTS: "{broken" });
	assert.ok(launch);
	assert.deepEqual(
		[launch.supervised, launch.startDir, launch.restarts],
		[false, process.cwd(), { signal: 0, exit: 0 }],
	);
});

test("a .env that cannot be read is a configuration error, not an empty one", (t) => {
	const dir = temporaryDir(t);
	mkdirSync(path.join(dir, ".env"));
	const { error } = runReadLaunch({ BULKHEAD_START_DIR: dir });
	assert.ok(error);
	assert.equal(error.code, "CONFIG_INVALID");
	assert.match(error.message, /\.env cannot be read \(EISDIR.*make it readable or remove it$/);
});

function load(env: Environment, terminal?: boolean): HostConfig {
	const result = loadConfig(env, START_DIR, terminal);
	assert.ok(result.ok, result.ok ? "" : describeProblems(result.problems));
	return result.config;
}

function warnings(env: Environment): readonly string[] {
	const result = loadConfig(env, START_DIR);
	assert.ok(result.ok);
	return result.warnings;
}

function problems(env: Environment): readonly ConfigProblem[] {
	const result = loadConfig(env, START_DIR);
	assert.ok(!result.ok);
	return result.problems;
}

/** In a process of its own: the environment and standard error of this one are the test runner's. */
function runReadLaunch(env: Record<string, string>) {
	const { stdout, stderr } = spawnSync(
		process.execPath,
		[fileURLToPath(new URL("../fixtures/supervisor/print-launch.ts", import.meta.url))],
		{ env: { PATH: process.env["PATH"], ...env }, encoding: "utf8" },
	);
	assert.equal(stderr, "");
	return JSON.parse(stdout) as { launch?: Launch; error?: { code: string; message: string } };
}

function temporaryDir(t: TestContext): string {
	const dir = mkdtempSync(path.join(tmpdir(), "bulkhead-config-"));
	t.after(() => rmSync(dir, { recursive: true }));
	return dir;
}
