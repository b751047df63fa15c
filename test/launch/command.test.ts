import assert from "node:assert/strict";
import { test } from "node:test";
import { readCommand } from "../../src/launch/command.ts";

test("without arguments the modules are served, with stdio they are bridged", () => {
	assert.deepEqual(readCommand([]), { name: "serve" });
	assert.deepEqual(readCommand(["stdio"]), { name: "stdio", url: undefined });
	const url = new URL("http://127.0.0.1:8000/mcp");
	assert.deepEqual(readCommand(["stdio", "--url", url.href]), { name: "stdio", url });
	assert.deepEqual(readCommand(["stdio", "-h"]), { name: "help" });
});

for (const [args, said] of [
	[["serve"], /^there is no command "serve"$/],
	[["stdio", "http://127.0.0.1:8000/mcp"], /^there is no command "stdio http/],
	[["--url", "http://127.0.0.1:8000/mcp"], /^--url belongs to the command stdio$/],
	[["stdio", "--url"], /--url/],
	[["stdio", "--url", "file:///etc"], /is not the http:\/\/ or https:\/\/ address/],
	[["stdio", "--token", "x"], /--token/],
] as const)
	test(`${args.join(" ")} is refused`, () => {
		const command = readCommand(args);
		assert.equal(command.name, "invalid");
		assert.match(command.problem, said);
	});
