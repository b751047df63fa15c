import process from "node:process";
import { pathToFileURL } from "node:url";
import { isBeat, PROCESS_WIRE } from "./pipe/frame.ts";
import { createFramedPort } from "./pipe/framed-port.ts";
import { toWireError } from "./wire/wire-error.ts";
import type { Port } from "./wire/port.ts";

// What a module process runs: a worker entry, as in a thread, with a port over the pipe that the host has handed down.

// Taken before the lock closes them to everybody, and before a module can replace them.
const loop = performance;
const { pid } = process;
const kill = process.kill.bind(process);
const [, , entry = "", maxBodyBytes = ""] = process.argv;
const pipe = createFramedPort({
	readFd: PROCESS_WIRE.toProcessFd,
	writeFd: PROCESS_WIRE.toHostFd,
	limits: { maxHeadBytes: PROCESS_WIRE.maxHeadBytes, maxBodyBytes: Number(maxBodyBytes) },
	// Nobody is left to serve. SIGKILL, since a module may listen to 'exit' and stay.
	onHostGone: () => kill(pid, "SIGKILL"),
});

// Only watches: an error that the module handles itself stays the module's. What it threw last is its reason if it ends.
process.on("uncaughtExceptionMonitor", (thrown) => {
	pipe.postMessage({ type: PROCESS_WIRE.threw, error: toWireError(thrown) }, []);
});

const port: Port = {
	...pipe,
	on: (event, listener) =>
		pipe.on(event, (message) => {
			if (isBeat(message)) pipe.postMessage({ type: PROCESS_WIRE.beat, idleMs: loop.eventLoopUtilization().idle }, []);
			else listener(message);
		}),
};

const { default: serve } = (await import(pathToFileURL(entry).href)) as {
	default: (task: { readonly port: Port }) => Promise<void>;
};
await serve({ port });
process.exit(0);
