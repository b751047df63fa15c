import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { separateUser } from "../../../src/host/worker/process-user.ts";

test("each module's processes run as a user of its own, the same one each time", {
	skip: process.getuid?.() !== 0,
}, () => {
	const ids = Array.from({ length: 1000 }, (_, i) => `mcps/m${i}`);
	const uids = ids.map((id) => separateUser(id)?.uid);
	assert.equal(new Set(uids).size, ids.length);
	assert.ok(uids.every((uid) => uid !== undefined && uid >= 64_000 && uid < 65_000));
	assert.deepEqual(
		ids.map((id) => separateUser(id)?.uid),
		uids,
	);
});
