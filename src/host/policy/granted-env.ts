import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { EnvGrant } from "./module-policy.ts";

/** A secret, and not a data set. */
const MAX_VALUE_BYTES = 65_536;

/**
 * The variables that a module sees. A file is read anew for each worker, so that a changed secret holds from the next
 * start of the module on; the line end that editors and `echo` leave is not part of the value.
 *
 * @param onProblem told by name what could not be given; a value is in no message
 */
export function grantedEnv(
	grants: Readonly<Record<string, EnvGrant>>,
	hostEnv: Readonly<Record<string, string | undefined>>,
	onProblem: (what: string) => void,
): Record<string, string> {
	const variables: Record<string, string> = {};
	for (const [name, grant] of Object.entries(grants)) {
		try {
			const value = "value" in grant ? grant.value : "file" in grant ? readValue(grant.file) : hostEnv[name];
			if (value !== undefined) variables[name] = value;
		} catch (error) {
			onProblem(`${name} is not set, its file cannot be read: ${messageOf(error)}`);
		}
	}
	return variables;
}

function readValue(file: string): string {
	// Without blocking: a FIFO that nobody writes to would hold the host.
	const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
	try {
		const stats = fstatSync(fd);
		if (!stats.isFile()) throw new Error(`${file} is not a regular file`);
		const bytes = Buffer.alloc(MAX_VALUE_BYTES + 1);
		const length = readSync(fd, bytes, 0, bytes.length, 0);
		if (length > MAX_VALUE_BYTES) throw new Error(`${file} is longer than ${MAX_VALUE_BYTES} bytes`);
		const text = bytes.toString("utf8", 0, length).replace(/\r?\n$/, "");
		if (text.includes("\0")) throw new Error(`${file} holds a zero byte`);
		return text;
	} finally {
		closeSync(fd);
	}
}
