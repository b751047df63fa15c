import fs from "node:fs";
import path from "node:path";
import { closeAllBut, loadBuiltin } from "./closing.ts";
import { type Denials, lockValue } from "./denial.ts";
import type { SandboxDto } from "./policy.ts";
import { apply, construct, defineProperty, type Names, namesOf, startsWith } from "../primordials/primordials.ts";

/**
 * Holds `node:sqlite` to the granted files. It asks no permission model (seen on Node 26), so paths are judged here, and
 * SQL reaches no second file: `ATTACH` and what uses it (`VACUUM INTO`) are refused by SQLite itself.
 */
export function lockDatabases(denials: Denials, { databases }: SandboxDto): void {
	const sqlite = loadBuiltin("sqlite") as { DatabaseSync: Database };
	const { DatabaseSync } = sqlite;
	const { setAuthorizer } = DatabaseSync.prototype;
	closeAllBut(sqlite, "sqlite", OPEN, denials);
	if (typeof setAuthorizer !== "function") {
		lockValue(
			sqlite,
			"DatabaseSync",
			denials.stub("sqlite.DatabaseSync, which this version of Node cannot hold to a file"),
		);
		return;
	}
	const reads = databases?.read ?? [];
	const writes = databases?.write ?? [];

	function admit(file: unknown): boolean {
		if (file === ":memory:") return false;
		if (typeof file !== "string" || !startsWith(file, "/")) {
			throw denials.error("open a database that is not named by an absolute path", "never");
		}
		const real = realPathOf(file);
		if (real === undefined) throw denials.error(`open the database ${file}`, "write", file);
		if (isWithin(real, writes)) return false;
		if (isWithin(real, reads)) return true;
		throw denials.error(`open the database ${file}`, "write", file);
	}

	function Guarded(this: unknown, file: unknown, options?: DatabaseOptions): unknown {
		const mustRead = admit(file);
		const { readOnly, open } = options ?? {};
		if (mustRead && readOnly !== true) {
			throw denials.error(`open the database ${String(file)} without \`readOnly: true\``, "write", String(file));
		}
		if (open === false) throw denials.error("open a database later than it is made", "never");
		const database = construct(
			DatabaseSync,
			[file, { ...options, readOnly: readOnly === true, open: true, allowExtension: false }],
			new.target ?? DatabaseSync,
		) as object;
		apply(setAuthorizer as never, database, [authorize]);
		return database;
	}
	defineProperty(Guarded, "prototype", { value: DatabaseSync.prototype, writable: false });
	defineProperty(Guarded, "name", { value: "DatabaseSync" });
	for (const name of CLOSED) {
		if (name in DatabaseSync.prototype)
			lockValue(DatabaseSync.prototype, name, denials.stub(`sqlite.DatabaseSync.${name}`));
	}
	lockValue(DatabaseSync.prototype, "constructor", Guarded);
	lockValue(sqlite, "DatabaseSync", Guarded);
}

type Database = (new (
	file: unknown,
	options?: DatabaseOptions,
) => object) & {
	readonly prototype: Record<string, unknown>;
};
interface DatabaseOptions {
	readonly readOnly?: boolean;
	readonly open?: boolean;
}

const OPEN: Names = namesOf(["DatabaseSync", "constants"]);
/** What would lift what is set here, and `open`, which goes to the path again after links may have changed. */
const CLOSED = ["setAuthorizer", "enableLoadExtension", "loadExtension", "open"];

/** SQLITE_ATTACH, SQLITE_DENY and SQLITE_OK of sqlite3.h. */
const ATTACH = 24;
const authorize = (action: number): number => (action === ATTACH ? 1 : 0);

const { realpathSync } = fs;
const { basename, dirname, join } = path;

/** Of a file that is not there, where it would be; undefined where that may not be known. */
function realPathOf(file: string): string | undefined {
	try {
		return realpathSync(file);
	} catch (error) {
		if ((error as { readonly code?: unknown }).code !== "ENOENT") return undefined;
	}
	try {
		return join(realpathSync(dirname(file)), basename(file));
	} catch {
		return undefined;
	}
}

function isWithin(file: string, granted: readonly string[]): boolean {
	for (let index = 0; index < granted.length; index++) {
		const each = granted[index] as string;
		if (file === each || each === "/" || startsWith(file, `${each}/`)) return true;
	}
	return false;
}
