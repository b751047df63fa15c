import { messageOf } from "../core/errors.ts";
import type { Reload, ReloadReport } from "../http/routes/reload-route.ts";
import type { Logger } from "../logging/logger.ts";

/** Something that is read, or opened, while the host runs: the policy, tokens, certificates, log files. */
export interface Reloadable {
	/** As the operator knows it: the file's name or the variable's. */
	readonly what: string;
	/** @returns sentences about what is wrong; none when it is in force @throws the same, as one */
	reload(): readonly string[] | Promise<readonly string[]>;
}

/** All of it, one after the other, each whether or not the others are well. Two calls at a time are one after the other too. */
export function createReload(reloadables: readonly Reloadable[], log: Logger): Reload {
	let before: Promise<unknown> = Promise.resolve();

	async function reloadAll(): Promise<ReloadReport> {
		const reloaded: string[] = [];
		const problems: { what: string; message: string }[] = [];
		for (const { what, reload } of reloadables) {
			const found = await attempt(reload);
			if (found.length === 0) reloaded.push(what);
			for (const message of found) problems.push({ what, message });
		}
		const failed = problems.map(({ what, message }) => `${what}: ${message}`);
		if (failed.length === 0) log.info(`reloaded: ${reloaded.join(", ")}`, { mcp_event: "reload" });
		else log.error(`not reloaded: ${failed.join("; ")}`, { mcp_event: "reload_failed" });
		return { reloaded, problems };
	}

	return () => {
		const report = before.then(reloadAll);
		before = report;
		return report;
	};
}

async function attempt(reload: Reloadable["reload"]): Promise<readonly string[]> {
	try {
		return await reload();
	} catch (error) {
		return [messageOf(error)];
	}
}
