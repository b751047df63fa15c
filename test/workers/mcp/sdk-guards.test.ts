import assert from "node:assert/strict";
import { test } from "node:test";
import {
	isJSONRPCErrorResponse,
	isJSONRPCNotification,
	isJSONRPCRequest,
	isJSONRPCResultResponse,
	specTypeSchemas,
} from "@modelcontextprotocol/server";
import { cheapenGuards } from "../../../workers/mcp/sdk-guards.ts";

const VALUES: readonly unknown[] = [
	{ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add" } },
	{ jsonrpc: "2.0", id: 1, method: "tools/call", params: "no object" },
	{ jsonrpc: "2.0", id: null, method: "ping" },
	{ jsonrpc: "2.0", method: "notifications/initialized" },
	{ jsonrpc: "2.0", id: "a", result: {} },
	{ jsonrpc: "2.0", id: "a", result: 1 },
	{ jsonrpc: "2.0", id: 2, error: { code: -1, message: "no" } },
	{ jsonrpc: "2.0", error: { code: -1, message: "no" } },
	{ jsonrpc: "1.0", id: 1, method: "ping" },
	{},
	[],
	null,
	undefined,
	"text",
];
const GUARDS = [isJSONRPCRequest, isJSONRPCNotification, isJSONRPCResultResponse, isJSONRPCErrorResponse];
const verdicts = (): readonly boolean[] => VALUES.flatMap((value) => GUARDS.map((guard) => guard(value)));

test("the SDK's guards say the same as before, and a plain no is a plain object", () => {
	const schema = specTypeSchemas.JSONRPCResultResponse as unknown as {
		safeParse(value: unknown): { readonly success: boolean; readonly error?: { readonly issues: unknown } };
	};
	const before = verdicts();
	const refused = schema.safeParse(VALUES[0]);
	assert.notEqual(
		Object.getOwnPropertyDescriptor(refused, "error"),
		undefined,
		"zod is not slow any more: drop the guard",
	);

	cheapenGuards();
	assert.deepEqual(verdicts(), before);
	const cheap = schema.safeParse(VALUES[0]);
	assert.equal(Object.getOwnPropertyDescriptor(cheap, "error"), undefined);
	assert.deepEqual(cheap.error?.issues, refused.error?.issues);
});
