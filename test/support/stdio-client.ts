import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import type { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import type { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type ClientAnswers, oldClient, recentClient } from "./both-clients.ts";
import { MAIN } from "./host-process.ts";

/** `bulkhead stdio` as a desktop client starts it. */
export interface StdioCommand {
	/** Its working directory, which holds the modules of a host of its own. */
	readonly folder: string;
	/** After `stdio`. */
	readonly args?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
}

const ANSWERS: ClientAnswers = {
	sampled: { model: "m", role: "assistant", content: { type: "text", text: "a model's words" } },
	roots: { roots: [{ uri: "file:///home", name: "home" }] },
	elicited: () => ({ action: "accept", content: { response: "yes", name: "Ann", ok: true } }),
};

/** A client of the 1.x SDK, in a session. */
export async function connectOldClient(t: TestContext, command: StdioCommand): Promise<Client1> {
	const client = oldClient(t, ANSWERS);
	await client.connect(new Stdio1(parametersOf(command)));
	return client;
}

/** A client of the 2.x SDK, in the 2026-07-28 revision. */
export async function connectRecentClient(t: TestContext, command: StdioCommand): Promise<Client2> {
	const client = recentClient(t, ANSWERS);
	await client.connect(new Stdio2(parametersOf(command)));
	return client;
}

/** Calls tools, for the first text of their results. */
export function callsOf(client: Client1 | Client2) {
	return async (name: string, args: Record<string, unknown> = {}): Promise<string> => {
		const { content, isError } = (await client.callTool({ name, arguments: args })) as {
			content: { text?: string }[];
			isError?: boolean;
		};
		assert.notEqual(isError, true, JSON.stringify(content));
		return content[0]?.text ?? "";
	};
}

/** The bare command, for what no client shows. */
export function spawnStdio(t: TestContext, command: StdioCommand): SpawnedStdio {
	const { command: file, args, cwd, env } = parametersOf(command);
	const child = spawn(file, args, { cwd, env });
	const ended = once(child, "close") as Promise<[number | null]>;
	t.after(() => child.kill("SIGKILL"));
	let output = "";
	let errors = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => void (output += text));
	child.stderr.setEncoding("utf8").on("data", (text: string) => void (errors += text));
	return {
		child,
		output: () => output,
		errors: () => errors,
		send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
		ended: async () => (await ended)[0],
	};
}

export interface SpawnedStdio {
	readonly child: ChildProcessWithoutNullStreams;
	output(): string;
	errors(): string;
	send(message: object): void;
	/** The exit code. */
	ended(): Promise<number | null>;
}

function parametersOf({ folder, args = [], env = {} }: StdioCommand) {
	return {
		command: process.execPath,
		args: [MAIN, "stdio", ...args],
		cwd: folder,
		env: { PATH: process.env["PATH"] ?? "", MODULE_START_TIMEOUT_MS: "60000", ...env },
		stderr: "ignore" as const,
	};
}
