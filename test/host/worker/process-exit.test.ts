import assert from "node:assert/strict";
import { test } from "node:test";
import { describeProcessEnd, type ProcessEnd } from "../../../src/host/worker/process-exit.ts";

const LIVED: ProcessEnd = {
	code: null,
	signal: null,
	stopped: undefined,
	broken: undefined,
	lastThrown: undefined,
	begun: true,
	errors: "",
	oomKills: 0,
};
const FATAL =
	"\n<--- Last few GCs --->\nFATAL ERROR: invalid table size Allocation failed - JavaScript heap out of memory\n 1: 0x";

const reasonOf = (end: Partial<ProcessEnd>): string => describeProcessEnd({ ...LIVED, ...end }).reason;

test("a fatal error of V8 is told from an abort, whichever way the signal is reported", () => {
	assert.equal(reasonOf({ signal: "SIGABRT", errors: FATAL }), "out_of_memory");
	assert.equal(reasonOf({ signal: "SIGTRAP", errors: "# Fatal process out of memory: Zone\n" }), "out_of_memory");
	assert.equal(reasonOf({ code: 134, errors: FATAL }), "out_of_memory");
	assert.equal(reasonOf({ signal: "SIGABRT" }), "crash");
	assert.equal(reasonOf({ code: 139 }), "crash");
	assert.equal(reasonOf({ code: 1, errors: FATAL }), "exit");
});

test("a SIGKILL is the kernel's want of memory only if the kernel has killed for that", () => {
	assert.equal(reasonOf({ signal: "SIGKILL", oomKills: 1 }), "out_of_memory");
	assert.equal(reasonOf({ signal: "SIGKILL" }), "crash");
	assert.equal(reasonOf({ signal: "SIGSEGV", oomKills: 1 }), "crash");
});

test("only the host decides that a module was stopped", () => {
	assert.equal(reasonOf({ signal: "SIGKILL", stopped: "terminated" }), "stopped");
	assert.equal(reasonOf({ code: 0, stopped: "asked" }), "stopped");
	assert.equal(reasonOf({ code: 3, stopped: "asked" }), "exit");
	assert.equal(reasonOf({ code: 0 }), "exit");
	assert.equal(reasonOf({ signal: "SIGKILL", stopped: "terminated", broken: "does not read" }), "crash");
});

test("what nobody caught is the reason of an exit with an error, and of no other", () => {
	const lastThrown = { name: "TypeError", message: "no" };
	assert.deepEqual(describeProcessEnd({ ...LIVED, code: 1, lastThrown }), { reason: "crash", error: lastThrown });
	assert.equal(reasonOf({ code: 0, lastThrown }), "exit");
});

test("a process that never got going is quoted", () => {
	const end = describeProcessEnd({
		...LIVED,
		code: 1,
		begun: false,
		errors: `${"x".repeat(5000)} setpriv: no such user\n`,
	});
	assert.ok(end.reason === "crash");
	assert.match(
		end.error.message,
		/^its process ended with code 1 before the module was loaded: x+ setpriv: no such user$/,
	);
	assert.ok(end.error.message.length < 1100);
});
