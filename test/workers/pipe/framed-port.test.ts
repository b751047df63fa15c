import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createFrameReader, encodeFrame, FrameError, type FrameLimits } from "../../../workers/pipe/frame.ts";

const LIMITS: FrameLimits = { maxHeadBytes: 64 * 1024, maxBodyBytes: 1 << 20 };

function encode(message: unknown, limits = LIMITS): Buffer {
	return Buffer.concat(encodeFrame(message, limits));
}

/** Reads all messages of some bytes, handed over in pieces of the given sizes. */
function decode(bytes: Uint8Array, sizes: readonly number[] = [], limits = LIMITS): unknown[] {
	const reader = createFrameReader(limits);
	const messages: unknown[] = [];
	for (let offset = 0, piece = 0; offset < bytes.length; piece += 1) {
		const size = sizes.length === 0 ? bytes.length : (sizes[piece % sizes.length] ?? 1);
		reader.push(bytes.subarray(offset, offset + size));
		for (let next = reader.next(); next !== undefined; next = reader.next()) messages.push(next.message);
		offset += size;
	}
	return messages;
}

const MESSAGES: readonly unknown[] = [
	{ type: "acked", id: 1 },
	{ type: "done", id: 1, result: null },
	{ type: "done", id: 2, result: { json: '{"result":"\u{1f6a2} ü"}' } },
	{ type: "done", id: 3, result: { collects: true, intervalMs: 5, catalog: "{}" } },
	{ type: "done", id: 4, result: { collects: false } },
	{ type: "done", id: 5, result: { snapshot: new Uint8Array([0, 255, 0xb1, 0xd5]) } },
	{ type: "done", id: 6, result: { snapshot: new Uint8Array(0) } },
	{ type: "done", id: 7, result: { json: "" } },
	{ type: "done", id: 8, result: {} },
	{ type: "failed", id: 9, error: { name: "Error", message: "\0\ud800 no" } },
	{ type: "emitted", id: 10, json: "{}" },
	{ type: "asked", id: 10, ask: 1, json: "{}" },
	{ type: "relisted", json: '{"legacy":{}}' },
	{ type: "updated", uri: "file:///x" },
	{ type: "logged", level: "info", text: "a\nb" },
	{ type: "call", id: 11, params: { era: "modern", method: "tools/call", params: "{}" } },
];

test("every message comes out as it went in, however the stream is cut", () => {
	const bytes = Buffer.concat(MESSAGES.map((message) => encode(message)));
	fc.assert(
		fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }), (sizes) => {
			assert.deepEqual(decode(bytes, sizes), MESSAGES);
		}),
	);
});

test("a snapshot and a long answer travel as they are, and not as JSON", () => {
	const snapshot = new Uint8Array(100_000).fill(7);
	const bytes = encode({ type: "done", id: 1, result: { snapshot } });
	assert.ok(bytes.length < snapshot.length + 100);
	assert.deepEqual(decode(bytes, [65_536]), [{ type: "done", id: 1, result: { snapshot } }]);
	const json = '"'.repeat(100_000);
	assert.ok(encode({ type: "done", id: 1, result: { json } }).length < json.length + 100);
});

test("a snapshot does not keep what came with it", () => {
	const [message] = decode(encode({ type: "done", id: 1, result: { snapshot: new Uint8Array(10) } }));
	const { result } = message as { result: { snapshot: Uint8Array } };
	assert.ok(result.snapshot.buffer.byteLength < 200);
});

test("what is too long is refused on both sides, before memory is taken for it", () => {
	const long = { type: "logged", level: "info", text: "x".repeat(70_000) };
	assert.throws(() => encode(long), /sent a message of 70\d{3} bytes; 65536 are allowed/);
	const wide: FrameLimits = { maxHeadBytes: 1 << 30, maxBodyBytes: 1 << 30 };
	assert.throws(() => decode(encode(long, wide)), FrameError);
	const answer = { type: "done", id: 1, result: { json: "x".repeat(2 << 20) } };
	assert.throws(() => encode(answer), /sent a result of 2097152 bytes; 1048576 are allowed/);
	// The length alone is enough: not one byte of the body has come.
	assert.throws(() => decode(encode(answer, wide).subarray(0, 11)), FrameError);
});

test("wrong bytes are an error and nothing else, whatever they are", () => {
	const preamble = (place: number, head: number, body: number): Buffer => {
		const bytes = Buffer.from([0xb1, 0xd5, place, 0, 0, 0, 0, 0, 0, 0, 0]);
		bytes.writeUInt32BE(head, 3);
		bytes.writeUInt32BE(body, 7);
		return bytes;
	};
	const wrong = [
		Buffer.from("HTTP/1.1 200 OK\r\n\r\n"),
		Buffer.alloc(64),
		preamble(9, 2, 0),
		Buffer.concat([preamble(0, 2, 2), Buffer.from("{}xx")]),
		Buffer.concat([preamble(0, 1, 0), Buffer.from("{")]),
		Buffer.concat([preamble(1, 2, 1), Buffer.from("[]x")]),
		Buffer.concat([preamble(2, 2, 1), Buffer.from("{}x")]),
		preamble(0, 0, 0),
	];
	for (const bytes of wrong) assert.throws(() => decode(bytes), FrameError, bytes.toString("hex"));
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, marked) => {
			const bytes = marked
				? Buffer.concat([preamble((noise[0] ?? 0) % 6, noise[1] ?? 0, noise[2] ?? 0), noise])
				: noise;
			try {
				decode(bytes);
			} catch (error) {
				assert.ok(error instanceof FrameError, String(error));
			}
		}),
	);
});

test("a key __proto__ stays a key, and changes no prototype", () => {
	const forged = Buffer.from('{"type":"done","id":1,"__proto__":{"x":1},"result":{"__proto__":{"snapshot":1}}}');
	const body = Buffer.from("{}");
	const preamble = Buffer.from([0xb1, 0xd5, 2, 0, 0, 0, forged.length, 0, 0, 0, body.length]);
	const [message] = decode(Buffer.concat([preamble, forged, body])) as [{ readonly result: object }];
	assert.equal(Object.getPrototypeOf(message), Object.prototype);
	assert.equal(Object.getPrototypeOf(message.result), Object.prototype);
	assert.equal((message.result as { json?: string }).json, "{}");
});
