/**
 * Opens sessions and abandons them, and says what the host still holds when they have expired:
 * `node scripts/mcp-sessions.ts [sessions]`. The host is a process of its own with a cap on sessions, so most of the time it
 * also shows how it refuses. Exit code 0 means that memory is within 5% of what it was.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startScriptHost } from "./support/script-host.ts";

const IDLE_TIMEOUT_MS = 3000;
const SESSION_MAX = 10_000;
const WARM_UP_SESSIONS = 10_000;
const CONCURRENCY = 32;
const ALLOWED_GROWTH = 0.05;

interface Memory {
	readonly heapUsed: number;
	readonly rss: number;
}

if (process.send === undefined) await measure(Number(process.argv[2] ?? 100_000));
else await host();

async function host(): Promise<void> {
	const { url } = await startScriptHost({
		SESSION_MAX: String(SESSION_MAX),
		SESSION_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS),
		PROMETHEUS_REGISTRY_ENABLED: "false",
	});
	process.on("message", () => {
		globalThis.gc?.();
		const { heapUsed, rss } = process.memoryUsage();
		process.send?.({ heapUsed, rss });
	});
	process.send?.({ url });
}

async function measure(sessions: number): Promise<void> {
	const child = fork(fileURLToPath(import.meta.url), { execArgv: [...process.execArgv, "--expose-gc"] });
	const [{ url }] = (await once(child, "message")) as [{ url: string }];
	await abandon(url, WARM_UP_SESSIONS);
	const before = await settled(child);
	const { opened, refused } = await abandon(url, sessions);
	const peak = await memoryOf(child);
	const after = await settled(child);
	const growth = after.heapUsed / before.heapUsed - 1;
	process.stdout.write(`${JSON.stringify({ sessions: opened, refused, before, peak, after, growth }, null, "\t")}\n`);
	child.kill("SIGKILL");
	process.exit(growth <= ALLOWED_GROWTH ? 0 : 1);
}

async function abandon(url: string, sessions: number): Promise<{ readonly opened: number; readonly refused: number }> {
	let opened = 0;
	let refused = 0;
	const body = JSON.stringify({
		jsonrpc: "2.0",
		id: 0,
		method: "initialize",
		params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "leaver", version: "1" } },
	});
	async function work(): Promise<void> {
		while (opened < sessions) {
			const response = await fetch(`${url}/mcp`, {
				method: "POST",
				headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
				body,
			});
			await response.text();
			if (response.status === 200) opened += 1;
			else if (response.status === 503 && response.headers.has("retry-after")) {
				refused += 1;
				await new Promise((resolve) => setTimeout(resolve, IDLE_TIMEOUT_MS / 10));
			} else throw new Error(`status ${response.status}`);
		}
	}
	await Promise.all(Array.from({ length: CONCURRENCY }, work));
	return { opened, refused };
}

/** Memory once the sessions have expired and the heap has stopped falling. */
async function settled(child: ChildProcess): Promise<Memory> {
	let memory = await memoryOf(child);
	for (let round = 0; round < 5; ) {
		await new Promise((resolve) => setTimeout(resolve, IDLE_TIMEOUT_MS / 2));
		const now = await memoryOf(child);
		if (now.heapUsed > memory.heapUsed * 0.995) round += 1;
		if (now.heapUsed < memory.heapUsed) memory = now;
	}
	return memory;
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
	const answer = once(child, "message");
	child.send("memory");
	const [memory] = (await answer) as [Memory];
	return memory;
}
