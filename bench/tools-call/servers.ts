import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { freePort } from "../../src/stdio/free-port.ts";

/** A server under test, in a process of its own. */
export interface Server {
	readonly url: string;
	/** A session to send with each request, where the server wants one. */
	readonly session?: string;
	/** Processor time of the server and all it has started so far, in seconds; NaN where there is no /proc. */
	cpuSeconds(): number;
	stop(): Promise<void>;
}

export const CLIENT_INFO = { name: "bench", version: "1" };
const FOLDER = import.meta.dirname;
const COMPETITORS = path.join(FOLDER, "../competitors");

/** @param file prints its URL when it listens */
export async function startServer(file: string): Promise<Server> {
	// Without tsx: what runs is what Node makes of the sources, as in production.
	const child = spawn(process.execPath, [path.join(FOLDER, file)], { stdio: ["ignore", "pipe", "inherit"] });
	const url = await new Promise<string>((resolve, reject) => {
		let output = "";
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			output = (output + text).slice(-MAX_OUTPUT);
			const line = /^http\S+$/m.exec(output)?.[0]; // libraries print what they like beside it
			if (line !== undefined) resolve(line);
		});
		child.once("exit", () => reject(new Error(`${file} ended without a URL`)));
	});
	return serverOf(child, url);
}

const MAX_OUTPUT = 4096;

/** Installs what is compared with, from its lock file, the first time. */
export function installCompetitors(): void {
	if (existsSync(path.join(COMPETITORS, "node_modules"))) return;
	const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
	execFileSync("npm", args, { cwd: COMPETITORS, stdio: ["ignore", process.stderr, "inherit"] });
}

export function startFastmcp(): Promise<Server> {
	return startServer("../competitors/serve-fastmcp.js");
}

/** The bridge from standard input and output to HTTP, keeping one child for a session: without, it starts one per call. */
export async function startSupergateway(): Promise<Server> {
	const port = await freePort();
	const command = `${process.execPath} ${path.join(FOLDER, "serve-stdio.ts")}`;
	const child = spawn(
		process.execPath,
		[
			path.join(COMPETITORS, "node_modules/supergateway/dist/index.js"),
			...["--stdio", command, "--outputTransport", "streamableHttp", "--stateful"],
			...["--port", String(port), "--logLevel", "none"],
		],
		{ stdio: ["ignore", "ignore", "inherit"] },
	);
	const url = `http://127.0.0.1:${port}/mcp`;
	return { ...serverOf(child, url), session: await openSession(url) };
}

function serverOf(child: ChildProcess, url: string): Server {
	return {
		url,
		cpuSeconds: () => treeCpuSeconds(child.pid ?? 0),
		async stop() {
			if (child.exitCode !== null || child.signalCode !== null) return;
			child.kill("SIGTERM");
			const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
			await once(child, "exit");
			clearTimeout(timer);
		},
	};
}

const STOP_TIMEOUT_MS = 5000;
const START_TIMEOUT_MS = 20_000;

async function openSession(url: string): Promise<string> {
	const request = {
		method: "POST",
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
		body: JSON.stringify({
			jsonrpc: "2.0",
			id: 0,
			method: "initialize",
			params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: CLIENT_INFO },
		}),
	};
	const until = performance.now() + START_TIMEOUT_MS;
	for (;;) {
		try {
			const response = await fetch(url, request);
			await response.text();
			const session = response.headers.get("mcp-session-id");
			if (session === null) throw new Error(`${url} gave no session: ${response.status}`);
			await fetch(url, {
				...request,
				headers: { ...request.headers, "mcp-session-id": session },
				body: JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
			});
			return session;
		} catch (error) {
			if (!(error instanceof TypeError) || performance.now() > until) throw error; // it does not listen yet
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
}

/** In /proc, times are in hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

function treeCpuSeconds(pid: number): number {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		const [utime, stime] = stat
			.slice(stat.lastIndexOf(")") + 2)
			.split(" ")
			.slice(11, 13);
		const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
		const own = (Number(utime) + Number(stime)) / TICKS_PER_SECOND;
		return children.reduce((total, child) => total + treeCpuSeconds(Number(child)), own);
	} catch {
		return Number.NaN;
	}
}
