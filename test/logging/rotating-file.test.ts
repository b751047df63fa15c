import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { openRotatingFile, type RotatingFileOptions } from "../../src/logging/rotating-file.ts";

test("a file that has grown becomes the first of so many older ones, and no line is lost or cut", (t) => {
	const { folder, file } = openIn(t, { maxBytes: 40, maxFiles: 3 });
	for (let number = 0; number < 20; number++) file.write(`line number ${String(number).padStart(2, "0")}\n`);
	file.close();
	assert.deepEqual(readdirSync(folder).toSorted(), ["host.log", "host.log.1", "host.log.2"]);
	const text = ["host.log.2", "host.log.1", "host.log"]
		.map((name) => readFileSync(path.join(folder, name), "utf8"))
		.join("");
	const numbers = text
		.trimEnd()
		.split("\n")
		.map((line) => Number(line.slice(-2)));
	assert.deepEqual(
		numbers,
		Array.from({ length: numbers.length }, (_, at) => 20 - numbers.length + at),
	);
	assert.ok(numbers.length > 6, text);
});

test("one file alone begins anew", (t) => {
	const { folder, file } = openIn(t, { maxBytes: 10, maxFiles: 1 });
	for (const line of ["the first line\n", "the second\n"]) file.write(line);
	file.close();
	assert.deepEqual(readdirSync(folder), ["host.log"]);
	assert.equal(readFileSync(path.join(folder, "host.log"), "utf8"), "the second\n");
});

test("a file that cannot be rotated grows on, and that is told once in so many bytes", (t) => {
	const problems: string[] = [];
	const { folder, file } = openIn(t, { maxBytes: 10, maxFiles: 2, onProblem: (what) => void problems.push(what) });
	mkdirSync(path.join(folder, "host.log.1/in-the-way"), { recursive: true });
	for (let number = 0; number < 4; number++) file.write("four\n");
	file.close();
	assert.equal(readFileSync(path.join(folder, "host.log"), "utf8"), "four\n".repeat(4));
	assert.equal(problems.length, 1);
});

function openIn(
	t: TestContext,
	options: Pick<RotatingFileOptions, "maxBytes" | "maxFiles"> & Partial<RotatingFileOptions>,
) {
	const folder = mkdtempSync(path.join(tmpdir(), "rotating-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const file = openRotatingFile({
		file: path.join(folder, "host.log"),
		variable: "LOG_FILE",
		onDropped: () => assert.fail("no line is dropped"),
		onProblem: (what) => assert.fail(what),
		...options,
	});
	return { folder, file };
}
