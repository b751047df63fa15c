import assert from "node:assert/strict";
import { test } from "node:test";
import { startDeadline } from "../../../workers/wire/pausable-deadline.ts";

test("a deadline that is stopped and started without end passes all the same", () => {
	let passed = 0;
	const deadline = startDeadline(20, () => void (passed += 1));
	// No timer fires meanwhile.
	for (const giveUpAt = performance.now() + 5000; passed === 0 && performance.now() < giveUpAt; ) {
		deadline.stop();
		deadline.start();
	}
	assert.equal(passed, 1);
	assert.equal(deadline.leftMs(), 0);
});
