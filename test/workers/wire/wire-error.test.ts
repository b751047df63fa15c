import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_CAUSES, MAX_ERROR_TEXT, readWireError, toWireError } from "../../../workers/wire/wire-error.ts";

const hostile = new Proxy(
	{},
	{
		get() {
			throw new Error("trap");
		},
		ownKeys() {
			throw new Error("trap");
		},
	},
);

test("anything thrown becomes plain data of a known size", () => {
	const things = [
		null,
		undefined,
		7,
		"text",
		Symbol("s"),
		() => 1,
		hostile,
		{ message: 7, stack: {} },
		Object.create(null),
		10n,
	];
	for (const thing of things) {
		const error = toWireError(thing);
		assert.equal(typeof error.name, "string");
		assert.equal(typeof error.message, "string");
		assert.deepEqual(structuredClone(error), error);
	}
	const huge = toWireError(new Error("x".repeat(1_000_000)));
	assert.equal(huge.message.length, MAX_ERROR_TEXT);
	assert.ok((huge.stack?.length ?? 0) <= MAX_ERROR_TEXT);
	assert.match(toWireError(null).message, /null was thrown/);
});

test("a getter is read once and its throw is contained", () => {
	let reads = 0;
	const error = toWireError({
		get message() {
			reads += 1;
			return "m";
		},
		get stack(): string {
			throw new Error("trap");
		},
	});
	assert.deepEqual(error, { name: "Error", message: "m" });
	assert.equal(reads, 1);
});

test("what a worker sent as an error is read with the same care", () => {
	assert.deepEqual(readWireError({ name: "E", message: "m", code: "C", more: "left out" }), {
		name: "E",
		message: "m",
		code: "C",
	});
	assert.deepEqual(readWireError(undefined), { name: "Error", message: "the worker sent no error" });
});

test("the chain of causes comes along, the nearest first, of a known length, and however it lies", () => {
	const refused = new AggregateError([new Error("::1"), new Error("127.0.0.1")], "refused");
	const error = toWireError(new TypeError("fetch failed", { cause: refused }));
	assert.deepEqual(
		error.causes?.map(({ name, message }) => [name, message]),
		[
			["AggregateError", "refused"],
			["Error", "::1"],
			["Error", "127.0.0.1"],
		],
	);
	assert.deepEqual(readWireError(structuredClone(error)), error);

	const circle = new Error("a");
	circle.cause = new Error("b", { cause: circle });
	assert.deepEqual(
		toWireError(circle).causes?.map(({ message }) => message),
		["b"],
	);

	let deep = new Error("0");
	for (let depth = 1; depth < 100; depth++) deep = new Error(String(depth), { cause: deep });
	assert.equal(toWireError(deep).causes?.length, MAX_CAUSES);
	assert.equal(
		readWireError({ message: "x", causes: Array.from({ length: 1000 }, () => deep) }).causes?.length,
		MAX_CAUSES,
	);
	assert.equal(
		toWireError({ message: "x", cause: hostile, errors: new Proxy([], { get: () => assert.fail("trap") }) }).causes
			?.length,
		1,
	);
});
