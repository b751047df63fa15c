import assert from "node:assert/strict";
import { test } from "node:test";
import { createBegunMark, openBegunMark } from "../../../workers/wire/ack-counter.ts";

test("what one end has marked the other end sees, also after numbers of 32 bits have run out", () => {
	const mark = createBegunMark();
	const worker = openBegunMark(mark.memory);
	assert.equal(mark.has(1), false);
	for (const id of [1, 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40]) {
		worker.set(id);
		assert.deepEqual([mark.has(id - 1), mark.has(id), mark.has(id + 1)], [true, true, false], String(id));
	}
});
