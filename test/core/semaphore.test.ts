import assert from "node:assert/strict";
import { test } from "node:test";
import { createPermits } from "../../src/core/semaphore.ts";

test("who takes all permits waits for the others, and makes those after it wait", async () => {
	const permits = createPermits(2);
	const log: string[] = [];
	const take = async (name: string, count: number) => {
		const release = await permits.take(count);
		log.push(`${name} begins`);
		return () => {
			log.push(`${name} ends`);
			release();
		};
	};
	const [endA, endB] = await Promise.all([take("a", 1), take("b", 1)]);
	const all = take("all", 2);
	const after = take("after", 1);
	endA();
	endB();
	(await all)();
	(await after)();
	assert.deepEqual(log, [
		"a begins",
		"b begins",
		"a ends",
		"b ends",
		"all begins",
		"all ends",
		"after begins",
		"after ends",
	]);
});
