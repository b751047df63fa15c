import assert from "node:assert/strict";
import { test } from "node:test";
import { createTaskOwners, requireTasks } from "../../../src/mcp/calls/task-owners.ts";

test("a task is its module's and its client's", () => {
	const tasks = createTaskOwners();
	assert.equal(tasks.add("t", "mcps/a", "ann"), true);
	assert.equal(tasks.owner("t", "ann"), "mcps/a");
	assert.equal(tasks.owner("t", "bob"), undefined);
	assert.equal(tasks.owner("t", undefined), undefined);
	assert.equal(tasks.owner("u", "ann"), undefined);
	assert.equal(tasks.add("t", "mcps/b", "ann"), false, "another module cannot take it over");
	assert.equal(tasks.owner("t", "ann"), "mcps/a");
});

test("a module that creates tasks without end loses its own oldest, and nobody else's", () => {
	const tasks = createTaskOwners(3);
	tasks.add("other", "mcps/b", undefined);
	for (let task = 0; task < 10; task++) tasks.add(`t${task}`, "mcps/a", undefined);
	assert.deepEqual(
		["t6", "t7", "t9", "other"].map((task) => tasks.owner(task, undefined)),
		[undefined, "mcps/a", "mcps/a", "mcps/b"],
	);
});

test("a module that is gone leaves no tasks behind", () => {
	const tasks = createTaskOwners();
	tasks.add("t", "mcps/a", "ann");
	tasks.add("u", "mcps/b", "ann");
	tasks.remove("mcps/a");
	assert.deepEqual([tasks.owner("t", "ann"), tasks.owner("u", "ann")], [undefined, "mcps/b"]);
	assert.equal(tasks.add("t", "mcps/b", "ann"), true, "its id is free");
});

test("a request whose client does not know tasks is refused with what it would need", () => {
	const meta = (extensions: unknown) => ({ "io.modelcontextprotocol/clientCapabilities": { extensions } });
	requireTasks(meta({ "io.modelcontextprotocol/tasks": {} }));
	for (const lacking of [undefined, {}, meta(undefined), meta({}), meta([])]) {
		assert.throws(() => requireTasks(lacking), {
			code: -32021,
			data: { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } },
		});
	}
});
