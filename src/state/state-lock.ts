import { chmodSync, closeSync, constants, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import path from "node:path";
import { BulkheadError, messageOf } from "../core/errors.ts";

/** `STATE_DIR`, held by this host alone. */
export interface StateLock {
	/** Idempotent. */
	release(): void;
}

export const STATE_LOCK_FILE = "host.sock";

/**
 * Makes the folder, and takes it for this host. The lock is a listening unix socket: the kernel knows whether somebody
 * holds it, also across containers that share the folder, and lets go of it the moment its holder is gone, however it
 * went. A process id in a file would be somebody else's one day, and in a container it is the same one every day.
 *
 * @param isShared whether module processes of other users read below the folder: they pass through it and list nothing
 * @param onProblem the file system has no sockets, so nobody can tell whether another host uses the folder
 * @throws {BulkheadError} CONFIG_INVALID when another host holds it, and when it cannot be written
 */
export async function lockStateDir(
	stateDir: string,
	isShared: boolean,
	onProblem: (what: string) => void,
): Promise<StateLock> {
	let folder: number | undefined;
	try {
		mkdirSync(stateDir, { recursive: true, mode: 0o700 });
		chmodSync(stateDir, isShared ? 0o711 : 0o700);
		folder = openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
	} catch (error) {
		if (folder === undefined && (error as NodeJS.ErrnoException).code !== "EPERM") throw notWritable(stateDir, error);
	}
	// The path of a socket may be no longer than 107 bytes, and that of a folder may.
	const base = folder !== undefined && process.platform === "linux" ? `/proc/self/fd/${folder}` : stateDir;
	const socket = path.join(base, STATE_LOCK_FILE);
	const letGo = (): void => {
		if (folder !== undefined) closeSync(folder);
		folder = undefined;
	};
	try {
		for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
			const held = await listen(socket);
			if (typeof held !== "string") {
				return {
					release() {
						if (held.listening) held.close();
						rmSync(path.join(stateDir, STATE_LOCK_FILE), { force: true });
						letGo();
					},
				};
			}
			if (WITHOUT_SOCKETS.includes(held)) {
				onProblem(`STATE_DIR: ${stateDir} cannot hold a socket (${held}): nothing keeps a second host from using it`);
				return { release: letGo };
			}
			if (held !== "EADDRINUSE") throw notWritable(stateDir, new Error(held));
			if (await isAlive(socket)) break;
			// Aside first: should another host have taken it in this very moment, it is given back.
			const aside = `${socket}.${process.pid}`;
			renameSync(socket, aside);
			if (await isAlive(aside)) {
				renameSync(aside, socket);
				break;
			}
			rmSync(aside, { force: true });
		}
	} catch (error) {
		letGo();
		throw error instanceof BulkheadError ? error : notWritable(stateDir, error);
	}
	letGo();
	throw new BulkheadError(
		"CONFIG_INVALID",
		`STATE_DIR=${stateDir} is in use by another host: stop that one, or set STATE_DIR to a folder of its own`,
	);
}

const MAX_ATTEMPTS = 5;
const WITHOUT_SOCKETS = ["EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL"];

function notWritable(stateDir: string, cause: unknown): BulkheadError {
	return new BulkheadError(
		"CONFIG_INVALID",
		`STATE_DIR=${stateDir} cannot be written (${messageOf(cause)}): make it a folder that this user may write to, or set STATE_DIR to another`,
		{ cause },
	);
}

/** @returns the server, or the code of what went wrong */
function listen(socket: string): Promise<Server | string> {
	return new Promise((resolve) => {
		const server = createServer((visitor) => visitor.destroy());
		server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
		server.listen(socket, () => {
			server.unref();
			resolve(server);
		});
	});
}

function isAlive(socket: string): Promise<boolean> {
	return new Promise((resolve) => {
		const visitor = connect(socket);
		visitor.once("connect", () => {
			visitor.destroy();
			resolve(true);
		});
		visitor.once("error", (error: NodeJS.ErrnoException) => {
			resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"); // EACCES: that of another user
		});
	});
}
