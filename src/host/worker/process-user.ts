import { createHash } from "node:crypto";
import { statSync, type Stats } from "node:fs";
import path from "node:path";
import process from "node:process";
import { messageOf } from "../../core/errors.ts";

/** Whom a module process runs as. */
export interface ProcessUser {
	readonly uid: number;
	readonly gid: number;
	/** Modules that came when all users were taken have one in common. */
	readonly isShared?: boolean;
}

/** Users that own no file on any common system, one a module; `nobody` is shared by those that come after them. */
const FIRST_UID = 64_000;
const USERS = 1000;
const NOBODY = { uid: 65_534, gid: 65_534, isShared: true } as const satisfies ProcessUser;
const uids = new Map<string, number>();

/**
 * The user that the processes of a module run as: another one than the host's where the host may choose (it is root), so
 * that a module cannot signal the host or look into its memory, and another one than any other module's, so that neither
 * can it do so to a neighbour. The same one after a restart unless two modules meet. Undefined: the host's own.
 */
export function separateUser(moduleId: string): ProcessUser | undefined {
	if (!separatesUsers()) return undefined;
	let uid = uids.get(moduleId);
	if (uid === undefined) {
		const taken = new Set(uids.values());
		if (taken.size >= USERS) return NOBODY;
		let at = createHash("sha256").update(moduleId).digest().readUInt32BE() % USERS;
		while (taken.has(FIRST_UID + at)) at = (at + 1) % USERS;
		uid = FIRST_UID + at;
		uids.set(moduleId, uid);
	}
	return { uid, gid: uid };
}

/** Whether module processes run as other users than the host. */
export function separatesUsers(): boolean {
	return process.getuid?.() === 0;
}

/**
 * The first of the paths that a user cannot read, as a sentence that says what to do; undefined when all can be read.
 * Goes by the permission bits of the file and of every folder above it; access lists are not looked at.
 * @param paths absolute
 */
export function findUnreadable(paths: readonly string[], user: ProcessUser): string | undefined {
	if (user.uid === 0) return undefined;
	const known = new Map<string, string | undefined>();
	const problemOf = (file: string, isTarget: boolean): string | undefined => {
		if (!isTarget && known.has(file)) return known.get(file);
		const parent = path.dirname(file);
		const problem = (parent === file ? undefined : problemOf(parent, false)) ?? check(file, isTarget, user);
		if (!isTarget) known.set(file, problem);
		return problem;
	};
	for (const file of paths) {
		const problem = problemOf(path.resolve(file), true);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

const READ = 4;
const SEARCH = 1;

function check(file: string, isTarget: boolean, user: ProcessUser): string | undefined {
	let stats: Stats;
	try {
		stats = statSync(file);
	} catch (error) {
		return `${file} cannot be read: ${messageOf(error)}`;
	}
	const wanted = (isTarget ? READ : 0) | (stats.isDirectory() ? SEARCH : 0);
	const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0;
	if (((stats.mode >> shift) & wanted) === wanted) return undefined;
	const right = stats.isDirectory() ? (isTarget ? "rx" : "x") : "r";
	return (
		`a module process runs as user ${user.uid}, who cannot read ${file}: allow it (chmod o+${right} ${file}), ` +
		"install Bulkhead in a folder that everybody can read, or start it as a user other than root"
	);
}
