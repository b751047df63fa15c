import assert from "node:assert/strict";
import { test } from "node:test";
import { startsHost } from "../../src/launch/command.ts";

test("the host itself is what no arguments and `start` ask for; everything else is a command", () => {
	assert.ok(startsHost([]));
	assert.ok(startsHost(["start"]));
	for (const args of [["stdio"], ["--version"], ["start", "--help"], ["start", "start"], ["serve"], [""]])
		assert.ok(!startsHost(args), args.join(" "));
});
