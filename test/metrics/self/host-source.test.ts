import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { CheckedFamily } from "../../../src/metrics/validate/family.ts";
import { createHostFamilies } from "../../../src/metrics/self/instruments.ts";
import { createHostReader, REFRESH_MS } from "../../../src/metrics/self/host-source.ts";
import { createSlicer } from "../../../src/core/time-slicer.ts";

test("what is sampled each second is read ahead once after a scrape, and a scrape of that second reads nothing", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 5_000_250 });
	const { reader, reads } = sampled();
	await reader.read("text");
	assert.equal(reads(), 1);
	await pass(t, REFRESH_MS - 251);
	assert.equal(reads(), 1, "the second is not over");
	await pass(t, 1);
	assert.equal(reads(), 2, "before anybody asks");
	await reader.read("text");
	assert.equal(reads(), 2, "nothing is left to read");
	await pass(t, REFRESH_MS);
	assert.equal(reads(), 3, "after that scrape too");
	await pass(t, 10 * REFRESH_MS);
	assert.equal(reads(), 3, "nobody has asked since");
	await reader.read("text");
	assert.equal(reads(), 4, "and what is shown is of the second that asks");
});

test("lines of series that have not changed are not worked out again", async () => {
	const families = createHostFamilies(Date.now);
	const gauge = families.gauge("g", "Two series.", ["of"]);
	const histogram = families.histogram("h", "One series.", [1]);
	const handedOut = (): readonly CheckedFamily["series"][number][] =>
		families.sources.flatMap((source) =>
			source.checked().flatMap(({ series }): CheckedFamily["series"][number][] => [...series]),
		);
	gauge.set({ of: "a" }, 1);
	gauge.set({ of: "b" }, 1);
	histogram.observe({}, 2);
	const before = handedOut();
	const copies = structuredClone(before);
	gauge.set({ of: "b" }, 2);
	gauge.set({ of: "b" }, 3);
	histogram.observe({}, 2);
	const after = handedOut();
	assert.deepEqual(
		after.map((series, index) => series === before[index]),
		[true, false, false],
	);
	assert.deepEqual(before, copies, "what has been handed out changes no more");
	const reader = createHostReader(families.sources, createSlicer(), { drop: assert.fail, warn: assert.fail });
	const page = async (): Promise<string> =>
		(await reader.read("text")).written.map(({ bytes }) => bytes.toString()).join("");
	assert.match(await page(), /g\{of="a"\} 1\ng\{of="b"\} 3\n/);
	gauge.set({ of: "a" }, 4);
	assert.match(await page(), /g\{of="a"\} 4\ng\{of="b"\} 3\n/);
});

/** One source that is another each second. */
function sampled() {
	let reads = 0;
	const family: CheckedFamily = { name: "now", help: "", type: "gauge", series: [] };
	const source = {
		families: [{ name: "now", type: "gauge" as const }],
		version: () => Math.floor(Date.now() / REFRESH_MS),
		checked() {
			reads++;
			return [family];
		},
	};
	const reader = createHostReader([source], createSlicer(), { drop: assert.fail, warn: assert.fail });
	return { reader, reads: () => reads };
}

/** Time that the clock shows, and turns of the event loop for what it has set off. */
async function pass(t: TestContext, milliseconds: number): Promise<void> {
	t.mock.timers.tick(milliseconds);
	for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
