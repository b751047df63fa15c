import { Agent, request } from "node:http";

export interface HttpAnswer {
	readonly status: number;
	readonly body: string;
}

/** HTTP without a library in between, whose own pauses would be taken for the host's. */
export interface HttpClient {
	get(path: string): Promise<HttpAnswer>;
	post(path: string, body: unknown): Promise<HttpAnswer>;
	close(): void;
}

const TIMEOUT_MS = 20_000;

/** @param keepAlive whether connections are kept; each is a descriptor of the host for as long */
export function createClient(url: string, keepAlive: boolean): HttpClient {
	const agent = new Agent({ keepAlive });

	function send(method: string, path: string, body?: string): Promise<HttpAnswer> {
		return new Promise((resolve, reject) => {
			const headers =
				body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
			const sent = request(new URL(path, url), { method, agent, headers, timeout: TIMEOUT_MS }, (response) => {
				const chunks: Buffer[] = [];
				response.on("data", (chunk: Buffer) => chunks.push(chunk));
				response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
				response.on("error", reject);
			});
			sent.on("timeout", () => sent.destroy(new Error(`${method} ${path} was not answered within ${TIMEOUT_MS} ms`)));
			sent.on("error", reject);
			sent.end(body);
		});
	}

	return {
		get: (path) => send("GET", path),
		post: (path, body) => send("POST", path, JSON.stringify(body)),
		close: () => agent.destroy(),
	};
}
