import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A TCP port of the loopback address for a server that starts more than once. It is below those that systems give to
 * whoever asks for any (from 32768 up on Linux), so that nobody has it in between.
 */
export async function lastingPort(): Promise<number> {
	for (let tries = 1; ; tries++) {
		const port = FIRST + Math.floor(Math.random() * COUNT);
		const probe = createServer().listen(port, "127.0.0.1");
		try {
			await once(probe, "listening");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "EADDRINUSE" && tries < MAX_TRIES) continue;
			throw error;
		}
		probe.close();
		await once(probe, "close");
		return port;
	}
}

const FIRST = 10_000;
const COUNT = 20_000;
const MAX_TRIES = 20;
