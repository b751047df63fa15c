import assert from "node:assert/strict";
import { test } from "node:test";
import { isServing, MODULE_STATES, transition } from "../../../src/host/runner/lifecycle.ts";

test("the transition table is this one", () => {
	const table = Object.fromEntries(
		MODULE_STATES.map((from) => [from, MODULE_STATES.filter((to) => allowed(from, to))]),
	);
	assert.deepEqual(table, {
		idle: ["starting", "stopping"],
		starting: ["running", "degraded", "restarting", "quarantined", "stopping"],
		running: ["degraded", "restarting", "quarantined", "stopping"],
		degraded: ["running", "restarting", "quarantined", "stopping"],
		restarting: ["starting", "stopping"],
		quarantined: ["starting", "stopping"],
		stopping: ["stopped", "disabled"],
		stopped: [],
		disabled: ["starting", "stopping"],
	});
});

test("an illegal transition names the module and both states", () => {
	assert.throws(() => transition("stopped", "running", "mcps/x"), {
		code: "ILLEGAL_TRANSITION",
		message: "mcps/x cannot go from stopped to running",
	});
});

test("only running and degraded modules answer", () => {
	assert.deepEqual(MODULE_STATES.filter(isServing), ["running", "degraded"]);
});

function allowed(from: (typeof MODULE_STATES)[number], to: (typeof MODULE_STATES)[number]): boolean {
	try {
		return transition(from, to, "x") === to;
	} catch {
		return false;
	}
}
