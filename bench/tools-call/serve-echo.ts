/** As little as can stand between HTTP and a worker: no checks, no protocol. The limit for the others. Prints its URL. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

type Answer = readonly [id: number, json: string];
type Question = readonly [
	id: number,
	body: { readonly id: number; readonly params: { readonly arguments: { readonly a: number; readonly b: number } } },
];

if (isMainThread) {
	const worker = new Worker(new URL(import.meta.url));
	const waiting = new Map<number, ServerResponse>();
	let lastId = 0;
	worker.on("message", ([id, json]: Answer) => {
		const response = waiting.get(id);
		waiting.delete(id);
		response?.writeHead(200, { "content-type": "application/json" }).end(json);
	});
	const server = createServer((request, response) => {
		let body = "";
		request.setEncoding("utf8").on("data", (text: string) => {
			body += text;
		});
		request.on("end", () => {
			lastId += 1;
			waiting.set(lastId, response);
			worker.postMessage([lastId, JSON.parse(body)]);
		});
	});
	server.listen(0, "127.0.0.1", () => {
		process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
	});
} else {
	parentPort?.on("message", ([id, body]: Question) => {
		const { a, b } = body.params.arguments;
		const result = { content: [{ type: "text", text: String(a + b) }] };
		parentPort?.postMessage([id, JSON.stringify({ result, jsonrpc: "2.0", id: body.id })]);
	});
}
