/**
 * Sends one request again and again over so many connections, each waiting for its answer, and prints what came of it as
 * JSON. On sockets of its own and as its own process: a generator that parses HTTP as a client does would take as much of
 * the machine as the servers that are measured.
 *
 * `node load.ts '{"url": …, "body": …, "headers": {…}, "connections": 16, "warmupMs": 500, "durationMs": 3000}'`
 */
import { connect } from "node:net";
import process from "node:process";

export interface Load {
	readonly url: string;
	/** One body for all connections, or one for each in turn. */
	readonly bodies: readonly string[];
	readonly headers: Readonly<Record<string, string>>;
	readonly connections: number;
	readonly warmupMs: number;
	readonly durationMs: number;
}

export interface LoadResult {
	/** Answers in all, those while warming up as well. */
	readonly calls: number;
	readonly perSecond: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	/** Answers that were not a success with a result in it. */
	readonly failures: number;
}

if (import.meta.main) {
	const load = JSON.parse(process.argv[2] ?? "") as Load;
	process.stdout.write(JSON.stringify(await run(load)));
	process.exit(0);
}

async function run({ url, bodies, headers, connections, warmupMs, durationMs }: Load): Promise<LoadResult> {
	const { hostname, port, pathname, host } = new URL(url);
	const latencies: number[] = [];
	let calls = 0;
	let failures = 0;
	let measuring = false;

	function open(index: number): void {
		const body = bodies[index % bodies.length] ?? "";
		const lines = Object.entries({ ...headers, host, "content-length": String(Buffer.byteLength(body)) });
		const request = `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
		const socket = connect(Number(port), hostname);
		let received = "";
		let sentAt = 0;
		const send = (): void => {
			sentAt = performance.now();
			socket.write(request);
		};
		socket.setNoDelay(true).setEncoding("latin1");
		socket.once("connect", send);
		socket.on("error", () => {
			failures += 1;
		});
		socket.on("data", (text: string) => {
			received += text;
			if (!isComplete(received)) return;
			calls += 1;
			if (measuring) {
				latencies.push(performance.now() - sentAt);
				if (!received.startsWith("HTTP/1.1 200") || !received.includes('"result"')) failures += 1;
			}
			received = "";
			send();
		});
	}

	for (let index = 0; index < connections; index++) open(index);
	await new Promise((resolve) => setTimeout(resolve, warmupMs));
	measuring = true;
	const startedAt = performance.now();
	await new Promise((resolve) => setTimeout(resolve, durationMs));
	const seconds = (performance.now() - startedAt) / 1000;
	latencies.sort((a, b) => a - b);
	const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
	return { calls, perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failures };
}

function isComplete(received: string): boolean {
	const head = received.indexOf("\r\n\r\n");
	if (head < 0) return false;
	const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
	if (length === undefined) return received.endsWith("\r\n0\r\n\r\n");
	return received.length >= head + 4 + Number(length);
}
