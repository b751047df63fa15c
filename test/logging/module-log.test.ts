import assert from "node:assert/strict";
import { test } from "node:test";
import { createModuleLog, MAX_KEPT_LINES, type ModuleLine } from "../../src/logging/module-log.ts";
import type { Logger } from "../../src/logging/logger.ts";

function open() {
	const passed: string[] = [];
	const at = (message: string): void => void passed.push(message);
	const sink: Logger = { debug: at, info: at, warn: at, error: at, child: () => sink };
	return { ...createModuleLog(sink), passed };
}

test("what is logged about a module is kept for it, whichever way it was named; everything is passed on", () => {
	const { log, modules, passed } = open();
	log.info("of the host");
	log.warn("named", { module: "metrics/a" });
	const child = log.child({ module: "metrics/a" });
	child.error("of its child");
	child.child({ more: 1 }).info("of a grandchild");
	child.debug("not kept");
	child.info("of another", { module: "metrics/b" });
	assert.deepEqual(
		modules.last("metrics/a", 10).map(({ level, message }) => [level, message]),
		[
			["warn", "named"],
			["error", "of its child"],
			["info", "of a grandchild"],
		],
	);
	assert.deepEqual(modules.last("metrics/a", 0), []);
	assert.equal(modules.last("metrics/a", 1)[0]?.message, "of a grandchild");
	assert.equal(passed.length, 6);
	modules.forget("metrics/a");
	assert.deepEqual(modules.last("metrics/a", 10), []);
});

test("followers hear each line until they leave", () => {
	const { log, modules } = open();
	const heard: ModuleLine[] = [];
	const leave = modules.follow("metrics/a", (line) => heard.push(line));
	log.info("one", { module: "metrics/a" });
	log.info("other", { module: "metrics/b" });
	leave();
	leave();
	log.info("two", { module: "metrics/a" });
	assert.deepEqual(
		heard.map(({ message }) => message),
		["one"],
	);
});

test("what is kept is bounded by lines, by their length, and by modules", () => {
	const { log, modules } = open();
	for (let index = 0; index < 5000; index++) log.info(`line ${index}`, { module: "metrics/a" });
	assert.equal(modules.last("metrics/a", 1_000_000).length, MAX_KEPT_LINES);
	assert.equal(modules.last("metrics/a", 1)[0]?.message, "line 4999");
	const long = "x".repeat(100_000);
	for (let index = 0; index < 1000; index++) log.info(long, { module: "metrics/b" });
	const kept = modules.last("metrics/b", 1_000_000);
	const length = kept.reduce((sum, { message }) => sum + message.length, 0);
	assert.ok(length > 100_000 && length <= 2 * 262_144, String(length));
	for (let index = 0; index < 3000; index++) log.info("gone", { module: `metrics/m${index}` });
	assert.deepEqual(modules.last("metrics/a", 1), [], "the oldest of too many modules");
});
