import { compare } from "bcrypt";
import type { AuthOutcome, CredentialCheck } from "./authenticator.ts";
import { SCOPES, SEES_ALL } from "./principal.ts";

/**
 * Checks `Basic` credentials against bcrypt hashes. bcrypt is slow on purpose, and works on libuv's threads; what it has
 * found right the authenticator remembers. Few are checked at a time, so that whoever guesses holds up no thread of the host.
 *
 * @param users bcrypt hashes by user, as they are in force
 */
export function createBasicCheck(users: () => ReadonlyMap<string, string>): CredentialCheck {
	let running = 0;
	const waiting: (() => void)[] = [];

	async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
		if (running >= MAX_RUNNING) await new Promise<void>((resolve) => void waiting.push(resolve));
		else running += 1;
		try {
			return await work();
		} finally {
			const next = waiting.shift();
			if (next === undefined) running -= 1;
			else next();
		}
	}

	async function check(user: string, password: string): Promise<AuthOutcome> {
		// Somebody nobody knows takes as long as somebody whose password is wrong.
		const stored = users().get(user);
		const isRight = await inTurn(() => compare(password, stored ?? NOBODYS_HASH));
		if (!isRight || stored === undefined || users().get(user) !== stored) return UNKNOWN;
		return success(user);
	}

	return ({ scheme, value }) => {
		if (scheme !== "basic") return undefined;
		const [, user, password] = /^([^:]*):([^]*)$/.exec(Buffer.from(value, "base64").toString("utf8")) ?? [];
		// bcrypt reads no more than 72 bytes, and stops at a zero: what is longer would be right with any end.
		if (user === undefined || password === undefined || Buffer.byteLength(password) > 72 || password.includes("\0"))
			return { failure: "malformed", method: "basic" };
		if (waiting.length >= MAX_WAITING) return { failure: "busy", method: "basic" };
		return check(user, password);
	};
}

function success(user: string): AuthOutcome {
	const principal = { name: user, id: `basic:${user}`, method: "basic" as const, scopes: SCOPES, sees: SEES_ALL };
	return { principal, until: Number.POSITIVE_INFINITY };
}

const UNKNOWN: AuthOutcome = { failure: "unknown", method: "basic" };
const MAX_RUNNING = 2;
const MAX_WAITING = 32;
/** Of a password that was thrown away, with the cost that htpasswd recommends. */
const NOBODYS_HASH = "$2b$10$b3tqO3tFnWqRTjPU0dgd5uYfW2TgICJx1ZF5k/vJmBZ7I866bcdOW";
