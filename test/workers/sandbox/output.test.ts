import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutput, MAX_OUTPUT_LINE } from "../../../workers/sandbox/output.ts";
import { MAX_LOG_LENGTH } from "../../../workers/wire/messages.ts";
import { runSandboxed } from "../../support/sandbox-run.ts";

test("what a module prints arrives as lines, by whatever way it prints", async () => {
	const { output, error } = await runSandboxed("prints.mjs");
	assert.equal(error, undefined);
	assert.deepEqual(
		output.map(({ stream, text }) => `${stream}: ${text}`),
		[
			"stdout: log 1",
			"stderr: error",
			"stdout: ab",
			"stderr: bytes",
			"stdout: by descriptor",
			"stderr: later",
			"stdout: no end",
		],
	);
});

test("a flood is cut off at the quota, says so, and comes back when it is over", async () => {
	const { output } = await runSandboxed("floods.mjs", { quota: { perSecond: 10_000, burst: 5000 } });
	const texts = output.map(({ text }) => text);
	assert.ok(texts.some((text) => text.startsWith("more output than the 10000 bytes a second")));
	assert.equal(texts.at(-1), "after");
	assert.match(texts.at(-2) ?? "", /^\d+ lines of output were dropped$/);
	assert.ok(texts.join("").length < 20_000, `${texts.join("").length} characters`);
});

test("the quota is a rate: it fills up again with time, and never above its burst", () => {
	let nowMs = 0;
	const lines: string[] = [];
	const output = createOutput({
		onOutput: (_stream, line) => lines.push(line),
		quota: { perSecond: 1000, burst: 200 },
		now: () => nowMs,
	});
	const write = (count: number): number => {
		lines.length = 0;
		for (let line = 0; line < count; line++) output.write("stdout", `${"x".repeat(18)}\n`);
		return lines.filter((line) => line.startsWith("x")).length;
	};
	assert.equal(write(10), 4); // 50 each
	nowMs += 100;
	assert.equal(write(10), 2);
	nowMs += 60_000;
	assert.equal(write(10), 4);
});

test("a line without an end is not kept for ever, and none is longer than the log takes", () => {
	const lines: string[] = [];
	const output = createOutput({ onOutput: (_stream, line) => lines.push(line) });
	output.write("stderr", "x".repeat(MAX_OUTPUT_LINE + 1));
	assert.equal(lines[0]?.length, MAX_OUTPUT_LINE);
	assert.equal(MAX_OUTPUT_LINE, MAX_LOG_LENGTH);
});
