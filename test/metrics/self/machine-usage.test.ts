import assert from "node:assert/strict";
import { cpus } from "node:os";
import { test } from "node:test";
import { createMachineUsage } from "../../../src/metrics/self/machine-usage.ts";

test("a processor that works shows, since it was asked last; memory that is taken shows at once", () => {
	const usage = createMachineUsage();
	usage.cpuRatio();
	for (const until = performance.now() + 300; performance.now() < until; );
	const busy = usage.cpuRatio();
	// One of all that the machine has, not only of those this process may use, was busy throughout, by ticks of 10 ms.
	assert.ok(busy >= 0.7 / cpus().length && busy <= 1, `${busy}`);
	assert.equal(usage.cpuRatio() <= 1, true);
	const memory = usage.memoryRatio();
	assert.ok(memory > 0 && memory < 1, `${memory}`);
});
