import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { InFlight } from "../../../workers/wire/in-flight.ts";

test("it holds what was set and not deleted, under ids of both kinds", () => {
	const table = new InFlight<string, number | string>();
	table.set(1, "one");
	table.set(1, "uno");
	table.set("__proto__", "a key like any other");
	table.set(7, "seven");
	assert.deepEqual(
		[table.size, table.get(1), table.get("__proto__"), table.get(2)],
		[3, "uno", "a key like any other", undefined],
	);
	assert.deepEqual([table.delete(1), table.delete(1), table.size], [true, false, 2]);
	assert.deepEqual(table.values(), ["seven", "a key like any other"]);
	assert.equal(table.get("toString" as never), undefined);
});

test("what is gone is freed by the next quick collection, also after a full one has moved the table", () => {
	v8.setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
	const table = new InFlight<readonly number[]>();
	let id = 0;
	const churn = (entries: number): void => {
		for (const end = id + entries; id < end; ) {
			table.set(
				++id,
				Array.from({ length: 100 }, () => id),
			);
			table.delete(id - 16);
		}
	};
	churn(1000);
	collect();
	const before = v8.getHeapStatistics().used_heap_size;
	churn(5000); // 800 bytes each: not enough for a collection of its own
	collect({ type: "minor" });
	collect({ type: "minor" });
	const kept = v8.getHeapStatistics().used_heap_size - before;
	assert.ok(kept < 1_000_000, `${kept} bytes of the 4,000,000 that have gone through it`);
});
