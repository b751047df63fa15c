/** Module processes of a host that is root run as other users, who must be able to read the host's own files. */
import path from "node:path";
import process from "node:process";
import { findUnreadable, separateUser } from "../../src/host/worker/process-user.ts";

const user = separateUser("mcps/any");

/** Why no module can run in a process from this checkout, for a test to be skipped with; `false` where one can. */
export const NO_PROCESS_ISOLATION: string | false =
	(user !== undefined &&
		findUnreadable([path.join(import.meta.dirname, "../../workers/mcp-worker.ts"), process.execPath], user)) ||
	false;
