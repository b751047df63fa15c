/**
 * Sends mutated MCP requests, headers and bodies, to a host and watches for what must not happen: an answer of the 500s, no
 * answer, a stack or a path in an answer, a host that stops answering. `node scripts/mcp-fuzz.ts [requests] [seed]`
 * runs against a host of its own; the test suite runs a shorter one.
 */
import process from "node:process";
import { createRandom } from "../test/support/seeded-random.ts";

export interface FuzzOptions {
	/** Of the host, without the path. */
	readonly url: string;
	readonly requests: number;
	readonly seed: number;
}

export interface FuzzReport {
	readonly statuses: Readonly<Record<string, number>>;
	/** How many of the requests named a session that was open. */
	readonly inSession: number;
	/** What must not be: the request and what was wrong with its answer. */
	readonly findings: readonly string[];
}

const DEADLINE_MS = 20_000;
const CONCURRENCY = 16;
const MAX_FINDINGS = 20;

export async function fuzz({ url, requests, seed }: FuzzOptions): Promise<FuzzReport> {
	const random = createRandom(seed);
	const statuses: Record<string, number> = {};
	const findings: string[] = [];
	let sent = 0;
	let inSession = 0;

	async function work(): Promise<void> {
		let session = await openSession(url);
		while (sent < requests && findings.length < MAX_FINDINGS) {
			sent += 1;
			const request = mutated(random, session);
			const problem = await send(url, request, statuses);
			if (problem !== undefined) findings.push(`${problem}: ${JSON.stringify(request).slice(0, 1000)}`);
			if (request.headers["mcp-session-id"] !== session) continue;
			inSession += 1;
			if (request.method === "DELETE") session = await openSession(url);
		}
		await fetch(`${url}/mcp`, { method: "DELETE", headers: { "mcp-session-id": session } });
	}

	await Promise.all(Array.from({ length: CONCURRENCY }, work));
	return { statuses, inSession, findings };
}

/** @returns the id of a session that is ready for requests */
async function openSession(url: string): Promise<string> {
	const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "fuzz", version: "1" } };
	const response = await fetch(`${url}/mcp`, {
		method: "POST",
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
		body: JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }),
	});
	await response.text();
	const session = response.headers.get("mcp-session-id");
	if (session === null) throw new Error(`no session was opened: status ${response.status}`);
	return session;
}

interface FuzzRequest {
	readonly method: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | undefined;
}

async function send(url: string, request: FuzzRequest, statuses: Record<string, number>): Promise<string | undefined> {
	const controller = new AbortController();
	const timer = setTimeout(() => controller.abort(), DEADLINE_MS);
	try {
		const response = await fetch(`${url}/mcp`, {
			method: request.method,
			headers: request.headers,
			signal: controller.signal,
			...(request.body !== undefined && { body: request.body }),
		});
		statuses[response.status] = (statuses[response.status] ?? 0) + 1;
		const streams = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
		// A stream that the request asked for stays open.
		const text = streams && isListening(request) ? "" : await response.text();
		if (streams) await response.body?.cancel().catch(() => undefined);
		if (response.status >= 500 && response.status !== 503) return `status ${response.status} ${text.slice(0, 200)}`;
		if (LEAKS.test(text)) return `an answer that leaks: ${text.slice(0, 300)}`;
		return undefined;
	} catch (error) {
		return controller.signal.aborted ? `no answer within ${DEADLINE_MS} ms` : `no answer: ${String(error)}`;
	} finally {
		clearTimeout(timer);
	}
}

/** Stacks, paths of this machine, and what a runtime says of its own faults. */
const LEAKS = /\bat \S+ \(|node_modules|file:\/\/\/|\/src\/|Cannot read propert|is not a function|is not iterable/;

function isListening({ method, body }: FuzzRequest): boolean {
	return method === "GET" || body?.includes("subscriptions/listen") === true;
}

const META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "fuzz", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
};
const SEEDS: readonly { readonly method: string; readonly params: Record<string, unknown> }[] = [
	{ method: "tools/call", params: { name: "add", arguments: { a: 1, b: 2 } } },
	{
		method: "tools/call",
		params: { name: "add", arguments: { a: 1, b: 2 }, inputResponses: {}, requestState: "v1.x.y" },
	},
	{ method: "tools/list", params: { cursor: "W10" } },
	{ method: "resources/read", params: { uri: "greeting://Alice" } },
	{ method: "resources/list", params: {} },
	{ method: "resources/templates/list", params: {} },
	{ method: "prompts/get", params: { name: "weather_report", arguments: { city: "Rome", date: "today" } } },
	{
		method: "completion/complete",
		params: { ref: { type: "ref/prompt", name: "weather_report" }, argument: { name: "city", value: "R" } },
	},
	{ method: "server/discover", params: {} },
	{ method: "ping", params: {} },
	{ method: "logging/setLevel", params: { level: "info" } },
	{ method: "resources/subscribe", params: { uri: "greeting://hello" } },
	{ method: "notifications/cancelled", params: { requestId: 1 } },
	{
		method: "initialize",
		params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "f", version: "1" } },
	},
];
const VALUES: readonly unknown[] = [
	null,
	true,
	-1,
	1e308,
	0.5,
	"",
	"x".repeat(5000),
	"\u0000\ud800\u2028",
	"__proto__",
	"../../etc/passwd",
	"2026-07-28",
	[],
	[[[[[]]]]],
	{},
	{ __proto__: null, constructor: 1 },
	2 ** 60,
];

type Random = () => number;

/** @param session an open one, which half of the 2025-era requests are sent in */
function mutated(random: Random, session: string): FuzzRequest {
	const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
	const { method, params } = pick(SEEDS);
	const modern = random() < 0.5;
	const inSession = !modern && random() < 0.5;
	const message: Record<string, unknown> = structuredClone({
		jsonrpc: "2.0",
		id: 1,
		method,
		params: { ...params, ...(modern && { _meta: META }) },
	});
	const headers: Record<string, string> = {
		"content-type": "application/json",
		accept: "application/json, text/event-stream",
		...(modern && { "mcp-protocol-version": "2026-07-28", "mcp-method": method }),
		...(inSession && { "mcp-session-id": session }),
		...(modern && typeof params["name"] === "string" && { "mcp-name": params["name"] }),
		...(modern && typeof params["uri"] === "string" && { "mcp-name": params["uri"] }),
	};
	for (let changes = Math.floor(random() * 4); changes > 0; changes--) mutate(message, random, pick);
	if (random() < 0.3) {
		const name = pick([
			"mcp-protocol-version",
			"mcp-method",
			"mcp-name",
			"mcp-session-id",
			"accept",
			"content-type",
			"last-event-id",
		]);
		if (random() < 0.4) delete headers[name];
		else
			headers[name] = pick([
				"",
				"x",
				"2025-11-25",
				"1999-01-01",
				"*/*",
				"text/plain",
				"=?base64?%%?=",
				"a".repeat(2000),
			]);
	}
	let body = JSON.stringify(random() < 0.05 ? [message, message] : message);
	if (random() < 0.2) body = damaged(body, random);
	const verb = random() < (inSession ? 0.1 : 0.03) ? pick(["GET", "DELETE", "PUT", "PATCH"]) : "POST";
	return { method: verb, headers, body: verb === "GET" ? undefined : body };
}

function mutate(message: Record<string, unknown>, random: Random, pick: <T>(from: readonly T[]) => T): void {
	let target = message;
	for (;;) {
		const keys = Object.keys(target);
		const key = keys.length === 0 || random() < 0.1 ? pick(["extra", "__proto__", "id", "_meta"]) : pick(keys);
		const value = Object.hasOwn(target, key) ? target[key] : undefined;
		if (typeof value === "object" && value !== null && !Array.isArray(value) && random() < 0.7) {
			target = value as Record<string, unknown>;
			continue;
		}
		if (random() < 0.3) delete target[key];
		// `__proto__` too as a key like any other: this process is not what is to be attacked.
		else
			Object.defineProperty(target, key, {
				value: structuredClone(pick(VALUES)),
				enumerable: true,
				configurable: true,
				writable: true,
			});
		return;
	}
}

function damaged(body: string, random: Random): string {
	const at = Math.floor(random() * body.length);
	const kind = random();
	if (kind < 0.3) return body.slice(0, at);
	if (kind < 0.6) return body.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + body.slice(at + 1);
	if (kind < 0.8) return body.slice(0, at) + body.slice(0, at) + body.slice(at);
	return `${"[".repeat(1000)}${body}`;
}

if (import.meta.main) {
	const requests = Number(process.argv[2] ?? 100_000);
	const seed = Number(process.argv[3] ?? 1);
	const { startScriptHost } = await import("./support/script-host.ts");
	const host = await startScriptHost({});
	const startedAt = performance.now();
	const report = await fuzz({ url: host.url, requests, seed });
	const seconds = (performance.now() - startedAt) / 1000;
	process.stdout.write(`${JSON.stringify({ requests, seed, seconds, ...report }, null, "\t")}\n`);
	await host.close();
	process.exit(report.findings.length === 0 ? 0 : 1);
}
