// What a Redis server says of itself, by its own protocol and no package.
//   plugins.yaml: metrics/redis: { env: { REDIS_ADDRESS: "127.0.0.1:6379" }, permissions: { net: ["127.0.0.1:6379"] } }

import { connect } from "node:net";
import { Counter, Gauge } from "prom-client";
import type { ModuleContext, MetricOptions } from "../../workers/contract.ts";

const TIMEOUT_MS = 2000;

const up = new Gauge({ name: "redis_up", help: "Whether the server answered" });
const clients = new Gauge({ name: "redis_connected_clients", help: "Clients that are connected" });
const memory = new Gauge({ name: "redis_memory_used_bytes", help: "Memory that the server has taken" });
const commands = new Counter({ name: "redis_commands_total", help: "Commands since the server began" });

/** The server counts, this module shows what it says: the number on the page is never more than that. */
export const options: MetricOptions & { counters: "absolute" } = { counters: "absolute" };

let address = { host: "127.0.0.1", port: 6379 };

export function start({ env }: ModuleContext): void {
	const [, host = "127.0.0.1", port = "6379"] = /^(.*?)(?::(\d+))?$/.exec(env["REDIS_ADDRESS"] ?? "127.0.0.1") ?? [];
	address = { host, port: Number(port) };
}

export async function process(): Promise<void> {
	const said = await info().catch(() => undefined);
	up.set(said === undefined ? 0 : 1);
	if (said === undefined) return;
	clients.set(said("connected_clients"));
	memory.set(said("used_memory"));
	commands.reset();
	commands.inc(said("total_commands_processed"));
}

/** Asks `INFO`, whose answer is `$LENGTH` and lines of `name:value`. */
async function info(): Promise<(name: string) => number> {
	const socket = connect(address).setEncoding("utf8").setTimeout(TIMEOUT_MS);
	socket.once("timeout", () => socket.destroy(new Error("no answer")));
	socket.write("INFO\r\nQUIT\r\n");
	let text = "";
	for await (const part of socket) text += part as string;
	return (name) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
}
