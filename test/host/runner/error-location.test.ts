import assert from "node:assert/strict";
import { test } from "node:test";
import { locateError } from "../../../src/host/runner/error-location.ts";

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
		file: "metrics/lib/read.ts",
		line: 12,
		column: 7,
	});
});

test("a stack that says nothing, or lies, leaves the message", () => {
	for (const stack of [undefined, "", "    at /etc/passwd:1:1", "    at file://%%:1:1", `${"x/".repeat(2000)}:1:1`]) {
		assert.deepEqual(
			locateError({ name: "Error", message: "no", ...(stack !== undefined && { stack }) }, INPUTS, "/srv"),
			{ message: "no" },
		);
	}
});
