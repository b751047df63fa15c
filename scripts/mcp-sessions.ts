/**
 * Opens sessions and abandons them, twice, and says what the host still holds each time they have expired:
 * `node scripts/mcp-sessions.ts [sessions a round]`. The host is a process of its own with a cap on sessions, so most of the
 * time it also shows how it refuses. Exit code 0 means that each round left the heap, and the whole process, within 5% of
 * what they were.
 *
 * Garbage is collected before each look: V8 does that when it needs room, which an idle process does not.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { HOST_FLAGS } from "../src/launch/launch-contract.ts";
import { startScriptHost } from "./support/script-host.ts";

const IDLE_TIMEOUT_MS = 3000;
const SESSION_MAX = 10_000;
const WARM_UP_SESSIONS = 10_000;
const CONCURRENCY = 32;
/** One session in so many calls a tool before it is abandoned. */
const SESSIONS_PER_CALL = 10;
const ALLOWED_GROWTH = 0.05;
/** V8 keeps pages that it has emptied for another 8 seconds, and looks after them when it collects garbage. */
const QUIET_MS = 20_000;
const POLL_MS = 1000;

const INITIALIZE = JSON.stringify({
	jsonrpc: "2.0",
	id: 0,
	method: "initialize",
	params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "leaver", version: "1" } },
});
/** Its answer is a stream, whose events the session keeps. */
const CALL = JSON.stringify({
	jsonrpc: "2.0",
	id: 1,
	method: "tools/call",
	params: { name: "countdown", arguments: { steps: 3, stepMs: 1 }, _meta: { progressToken: 1 } },
});

/** In bytes, of the host's process; the heap is that of its main thread. */
interface Memory {
	readonly heapUsed: number;
	readonly heapTotal: number;
	readonly external: number;
	readonly rss: number;
}

interface Round {
	readonly sessions: number;
	readonly refused: number;
	readonly peak: Memory;
	readonly after: Memory;
}

if (process.send === undefined) await measure(Number(process.argv[2] ?? 100_000));
else await host();

async function host(): Promise<void> {
	const { url, close } = await startScriptHost({
		SESSION_MAX: String(SESSION_MAX),
		SESSION_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS),
		PROMETHEUS_REGISTRY_ENABLED: "false",
	});
	process.once("disconnect", () => void close().finally(() => process.exit())); // whoever measures has done so, or is gone
	process.on("message", () => {
		globalThis.gc?.();
		const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
		process.send?.({ heapUsed, heapTotal, external, rss });
	});
	process.send?.({ url });
}

async function measure(sessions: number): Promise<void> {
	const execArgv = [...process.execArgv, ...HOST_FLAGS, "--expose-gc"];
	const child = fork(fileURLToPath(import.meta.url), { execArgv });
	const [{ url }] = (await once(child, "message")) as [{ url: string }];
	await abandon(url, WARM_UP_SESSIONS);
	const before = await settled(child);
	const first = await measureRound(child, url, sessions);
	const second = await measureRound(child, url, sessions);
	const rounds = [first, second];
	const growth = {
		heap: rounds.map(({ after }) => after.heapUsed / before.heapUsed - 1),
		rss: rounds.map(({ after }) => after.rss / before.rss - 1),
	};
	process.stdout.write(`${JSON.stringify({ before, rounds, growth }, null, "\t")}\n`);
	child.disconnect();
	await once(child, "exit");
	process.exit([...growth.heap, ...growth.rss].every((share) => share <= ALLOWED_GROWTH) ? 0 : 1);
}

async function measureRound(child: ChildProcess, url: string, sessions: number): Promise<Round> {
	const { opened, refused } = await abandon(url, sessions);
	const peak = await memoryOf(child);
	return { sessions: opened, refused, peak, after: await settled(child) };
}

async function abandon(url: string, sessions: number): Promise<{ readonly opened: number; readonly refused: number }> {
	let opened = 0;
	let refused = 0;
	async function work(): Promise<void> {
		while (opened < sessions) {
			const response = await post(url, INITIALIZE);
			if (response.status === 200) {
				opened += 1;
				const session = response.headers.get("mcp-session-id") ?? "";
				if (opened % SESSIONS_PER_CALL === 0) await post(url, CALL, { "mcp-session-id": session });
			} else if (response.status === 503 && response.headers.has("retry-after")) {
				refused += 1;
				await new Promise((resolve) => setTimeout(resolve, IDLE_TIMEOUT_MS / 10));
			} else throw new Error(`status ${response.status}`);
		}
	}
	await Promise.all(Array.from({ length: CONCURRENCY }, work));
	return { opened, refused };
}

/** @returns the response, read to its end */
async function post(url: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
	const accept = "application/json, text/event-stream";
	const response = await fetch(`${url}/mcp`, {
		method: "POST",
		headers: { "content-type": "application/json", accept, ...headers },
		body,
	});
	await response.text();
	return response;
}

/** Memory once the sessions have expired and nothing of it has gone back to the system for a while. */
async function settled(child: ChildProcess): Promise<Memory> {
	let lowest = await memoryOf(child);
	for (let quietMs = 0; quietMs < QUIET_MS; quietMs += POLL_MS) {
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		const now = await memoryOf(child);
		if (now.heapUsed > lowest.heapUsed * 0.995 && now.rss > lowest.rss * 0.995) continue;
		quietMs = 0;
		lowest = now;
	}
	return lowest;
}

async function memoryOf(child: ChildProcess): Promise<Memory> {
	const answer = once(child, "message");
	child.send("memory");
	const [memory] = (await answer) as [Memory];
	return memory;
}
