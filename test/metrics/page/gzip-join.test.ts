import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { crc32, gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { combineCrc32, createPagePart, gzipParts } from "../../../src/metrics/page/gzip-join.ts";

test("parts compressed for themselves are one gzip stream, whatever is in them", async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 6 }), async (contents) => {
			const parts = contents.map((bytes) => createPagePart(Buffer.from(bytes)));
			assert.deepEqual(gunzipSync(Buffer.concat(await gzipParts(parts))), Buffer.concat(contents));
		}),
	);
});

test("checksums combine to that of the whole", () => {
	fc.assert(
		fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 3000 }), (one, other) => {
			assert.equal(combineCrc32(crc32(one), crc32(other), other.length), crc32(Buffer.concat([one, other])));
		}),
	);
});

test("gzip itself finds one member in it, and nothing after", async () => {
	const parts = ["# HELP a b\n", "x".repeat(100_000), ""].map((text) => createPagePart(Buffer.from(text)));
	const { status, stderr } = spawnSync("gzip", ["-tv"], { input: Buffer.concat(await gzipParts(parts)) });
	assert.equal(status, 0, stderr.toString());
});

test("a part is compressed once, however many pages it is on", async () => {
	const part = createPagePart(Buffer.from("x"));
	assert.equal(part.deflated(), part.deflated());
	const [one, other] = await Promise.all([gzipParts([part]), gzipParts([part, part])]);
	assert.equal(one[1], other[2]);
});
