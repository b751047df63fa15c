import assert from "node:assert/strict";
import { test } from "node:test";
import { describeProblem, locateError } from "../../../src/host/runner/error-location.ts";

const INPUTS = ["/srv/metrics/disk.ts", "/srv/metrics/lib/read.ts"];

test("the first frame in the module's own files is the place", () => {
	const stack = [
		"TypeError: no",
		"    at open (node:fs:1:1)",
		"    at get (/srv/node_modules/x/index.js:9:9)",
		"    at read (file:///srv/metrics/lib/read.ts:12:7)",
		"    at /srv/metrics/disk.ts:3:1",
	].join("\n");
	assert.deepEqual(locateError({ name: "TypeError", message: "no", stack }, INPUTS, "/srv"), {
		message: "TypeError: no",
		name: "TypeError",
		file: "metrics/lib/read.ts",
		line: 12,
		column: 7,
	});
});

test("a stack that says nothing, or lies, leaves the message", () => {
	for (const stack of [undefined, "", "    at /etc/passwd:1:1", "    at file://%%:1:1", `${"x/".repeat(2000)}:1:1`]) {
		assert.deepEqual(
			locateError({ name: "Error", message: "no", ...(stack !== undefined && { stack }) }, INPUTS, "/srv"),
			{ message: "no", name: "Error" },
		);
	}
});

test("the place is found in a folder whose name has spaces and brackets, and in an asynchronous frame", () => {
	for (const frame of ["at read (/srv/my (new) app/metrics/a.ts:4:2)", "at async /srv/my (new) app/metrics/a.ts:4:2"]) {
		const error = { name: "Error", message: "no", stack: `Error: no\n    ${frame}` };
		const { file, line } = locateError(error, ["/srv/my (new) app/metrics/a.ts"], "/srv/my (new) app");
		assert.deepEqual([file, line], ["metrics/a.ts", 4]);
	}
});

test("each cause has its place, and all of them are one line of the log", () => {
	const problem = locateError(
		{
			name: "Error",
			message: "no",
			stack: "Error: no\n    at /srv/metrics/disk.ts:3:1",
			causes: [
				{ name: "RangeError", message: "far", stack: "RangeError: far\n    at f (/srv/metrics/lib/read.ts:9:5)" },
			],
		},
		INPUTS,
		"/srv",
	);
	assert.deepEqual(problem.causes, [
		{ name: "RangeError", message: "RangeError: far", file: "metrics/lib/read.ts", line: 9, column: 5 },
	]);
	assert.equal(describeProblem(problem), "metrics/disk.ts:3:1 no; caused by metrics/lib/read.ts:9:5 RangeError: far");
});
