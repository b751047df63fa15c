import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { BulkheadError } from "../../src/core/errors.ts";
import { type LoggerOptions, createLogger } from "../../src/logging/logger.ts";

test("a JSON line has level, time, fields and message, and is there as soon as it was logged", (t) => {
	const { logger, lines } = logTo(t, {});
	logger.info("ready", { url: "http://127.0.0.1:8000", modules: 7 });
	const [line] = lines();
	assert.ok(line);
	const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
	assert.deepEqual(rest, { level: "info", mcp_event: "host", url: "http://127.0.0.1:8000", modules: 7, msg: "ready" });
	assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("lines below the level are left out", (t) => {
	const { logger, lines } = logTo(t, { logLevel: "warn" });
	logger.debug("1");
	logger.info("2");
	logger.warn("3");
	logger.error("4");
	assert.deepEqual(
		lines().map((line) => (JSON.parse(line) as { level: string }).level),
		["warn", "error"],
	);
});

test("a child's lines carry its fields and its parents'", (t) => {
	const { logger, lines } = logTo(t, {});
	logger.child({ module: "mcps/a" }).child({ generation: 3 }).info("started", { ms: 12 });
	const { module, generation, ms } = JSON.parse(lines()[0] ?? "") as Record<string, unknown>;
	assert.deepEqual([module, generation, ms], ["mcps/a", 3, 12]);
});

for (const logFormat of ["json", "pretty"] as const)
	test(`${logFormat}: an error is written with its stack and its causes`, (t) => {
		const { logger, text } = logTo(t, { logFormat });
		logger.error("collect failed", { error: new Error("outer", { cause: new TypeError("inner") }) });
		assert.match(text(), /Error: outer(\\n|\n)\s+at .*logger\.test\.ts/);
		assert.match(text(), /caused by: TypeError: inner/);
	});

test("a percent sign in a message is itself", (t) => {
	const { logger, lines } = logTo(t, { logFormat: "pretty" });
	logger.info("100%s done %d %%");
	assert.match(lines()[0] ?? "", / INFO {2}100%s done %d %%$/);
});

test("logging never throws, whatever the fields are", (t) => {
	const { logger, lines } = logTo(t, {});
	const circular: Record<string, unknown> = {};
	circular["self"] = circular;
	logger.info("circular", circular);
	logger.info("bigint", { n: 2n ** 70n });
	logger.info("function", { f() {}, s: Symbol("s"), u: undefined });
	logger.warn("getter", {
		get f() {
			throw new Error("from the getter");
		},
	});
	assert.deepEqual(
		lines().map((line) => (JSON.parse(line) as { msg: string }).msg),
		["circular", "bigint", "function", "getter"],
	);
	assert.match(lines()[3] ?? "", /"unloggable":"from the getter"/);
});

test("pretty: time of day, level, message, and fields as name=value", (t) => {
	const { logger, lines } = logTo(t, { logFormat: "pretty" });
	logger.warn("late", { module: "metrics/disk", limits: { ms: 5 } });
	assert.match(lines()[0] ?? "", /^\d\d:\d\d:\d\d\.\d{3} WARN {2}late module=metrics\/disk limits=\{"ms":5\}$/);
});

test("pretty: text from elsewhere can neither steer the terminal nor pass for a line of its own", (t) => {
	const { logger, lines } = logTo(t, { logFormat: "pretty" });
	logger.info("said \u001b[2J\u009b1m\r\n12:00:00.000 INFO  forged", { "na\u0007me": "x\u001b]0;title\u0007" });
	const [first, second, ...more] = lines();
	assert.equal(first?.slice("00:00:00.000 INFO  ".length), "said \\x1b[2J\\x9b1m\\x0d");
	assert.equal(second, "    12:00:00.000 INFO  forged na\\x07me=x\\x1b]0;title\\x07");
	assert.deepEqual(more, []);
});

test("the log file gets every line as well, as JSON, after what it holds; its folder is made", (t) => {
	const logFile = path.join(temporaryDir(t), "new/folder/host.log");
	for (const message of ["first run", "second run"]) {
		const { logger, lines } = logTo(t, { logFormat: "pretty", logFile });
		logger.info(message);
		logger.close();
		assert.match(lines()[0] ?? "", /INFO/);
	}
	const messages = readLines(logFile).map((line) => (JSON.parse(line) as { msg: string }).msg);
	assert.deepEqual(messages, ["first run", "second run"]);
});

test("a log file that cannot be opened is a configuration error that names the variable", (t) => {
	const dir = temporaryDir(t);
	writeFileSync(path.join(dir, "file"), "");
	assert.throws(
		() => logTo(t, { logFile: path.join(dir, "file/host.log") }),
		(error) =>
			error instanceof BulkheadError && error.code === "CONFIG_INVALID" && error.message.startsWith("LOG_FILE cannot"),
	);
});

test("lines that come after close are ignored, and closing twice is harmless", (t) => {
	const { logger, lines } = logTo(t, {});
	logger.info("before");
	logger.close();
	logger.close();
	logger.info("after");
	logger.flush();
	assert.equal(lines().length, 1);
});

test("a full disk costs the lines, not the host", (t) => {
	const { logger } = logTo(t, { logFile: "/dev/full" });
	logger.info("lost");
	logger.close();

	const fd = openSync("/dev/full", "w");
	t.after(() => closeSync(fd));
	const other = createLogger({ logLevel: "info", logFormat: "json" }, fd);
	other.info("lost");
	other.close();
});

test("a pipe that nobody reads never blocks the host; what was lost is counted when it is read again", async (t) => {
	const pipe = makePipe(t);
	const logger = createLogger({ logLevel: "info", logFormat: "json" }, pipe.writeEnd);
	t.after(() => logger.close());

	// Longer than a pipe takes as one piece, so that lines are written in parts.
	const filler = "x".repeat(5000);
	for (let number = 1; number <= 1000; number++) logger.info("line", { number, filler });
	// Whoever reads again gets every line that was kept, whole and in order, and then the count of the others.
	const received: { number?: number; lines?: number; msg: string }[] = [];
	let rest = "";
	const deadline = performance.now() + 10_000;
	while (received.at(-1)?.lines === undefined) {
		assert.ok(performance.now() < deadline, "the lost lines were never told");
		await new Promise(setImmediate);
		rest += pipe.read();
		const lines = rest.split("\n");
		rest = lines.pop() ?? "";
		for (const line of lines) received.push(JSON.parse(line) as (typeof received)[number]);
	}
	const notice = received.pop();
	assert.deepEqual(
		received.map(({ number }) => number),
		received.map((_, index) => index + 1),
	);
	assert.ok(received.length > 200, `${received.length} lines were kept`);
	assert.equal(notice?.lines, 1000 - received.length);
	assert.equal(notice?.msg, "log lines were lost: standard error did not take them");
});

test("closing does not wait for a pipe that nobody reads", (t) => {
	const pipe = makePipe(t);
	const logger = createLogger({ logLevel: "info", logFormat: "json" }, pipe.writeEnd);
	logger.info("long", { filler: "x".repeat(500_000) });
	const startedMs = performance.now();
	logger.close();
	assert.ok(performance.now() - startedMs < 10_000);
});

test("a reader that has gone away does not end the host", (t) => {
	const pipe = makePipe(t);
	const logger = createLogger({ logLevel: "info", logFormat: "json" }, pipe.writeEnd);
	pipe.stopReading();
	logger.info("nobody hears this");
	logger.close();
});

/** A logger that writes to a file, and what it has written there. */
function logTo(t: TestContext, options: Partial<LoggerOptions>) {
	const file = path.join(temporaryDir(t), "stderr");
	const fd = openSync(file, "a");
	t.after(() => closeSync(fd));
	const logger = createLogger({ logLevel: "info", logFormat: "json", ...options }, fd);
	t.after(() => logger.close());
	return { logger, text: () => readFileSync(file, "utf8"), lines: () => readLines(file) };
}

function readLines(file: string): string[] {
	return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

/** A pipe as a container runtime gives it to a process: blocking for whoever writes. */
function makePipe(t: TestContext) {
	const file = path.join(temporaryDir(t), "pipe");
	execFileSync("mkfifo", [file]);
	const readEnd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
	const writeEnd = openSync(file, constants.O_WRONLY);
	let reading = true;
	t.after(() => {
		closeSync(writeEnd);
		stopReading();
	});
	return { writeEnd, read, stopReading };

	function read(): string {
		const buffer = Buffer.alloc(65_536);
		try {
			return buffer.toString("utf8", 0, readSync(readEnd, buffer));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
			throw error;
		}
	}

	function stopReading(): void {
		if (reading) closeSync(readEnd);
		reading = false;
	}
}

function temporaryDir(t: TestContext): string {
	const dir = mkdtempSync(path.join(tmpdir(), "bulkhead-logger-"));
	t.after(() => rmSync(dir, { recursive: true }));
	return dir;
}
