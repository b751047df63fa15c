import type { Logger } from "../logging/logger.ts";
import { redacted } from "../logging/redact.ts";
import type { ModuleLine } from "./runner/module-line.ts";
import type { ModuleEvent } from "./runner/runner-types.ts";

/** Writes what happens to a module, and what it says, to the log. @param log of the module */
export function logModuleEvent(log: Logger, id: string, event: ModuleEvent): void {
	switch (event.type) {
		case "lineWritten":
			return writeLine(log, id, event.line);
		case "warned":
			return log.warn(`${id}: ${event.text}`, { mcp_event: event.mcpEvent ?? "host" });
		case "entered":
			return log.info(`${id} is ${event.state}`, { mcp_event: "module_state", state: event.state });
		case "startTried":
			if (event.outcome === "failure") return; // it was warned of
			return log.debug(`${id} has started`, { mcp_event: "module_start", duration_ms: Math.round(event.durationMs) });
		case "restarted":
			if (event.reason === "reload") return; // which has a line of its own
			return log.info(`${id} is started anew: ${event.reason}`, { mcp_event: "module_restart", reason: event.reason });
		case "reloaded":
			return log.info(`${id} is reloaded: version ${event.version} serves`, {
				mcp_event: "module_reload",
				version: event.version,
			});
		default:
	}
}

/** Fields of the module's are kept apart from those of the line. */
function writeLine(log: Logger, id: string, line: ModuleLine): void {
	const { level, message, isFailure, labels, fields, error } = line;
	log[level](isFailure ? `${id}: ${message}` : message, {
		mcp_event: isFailure ? "module_error" : "module_log",
		...labels,
		...(fields !== undefined && { fields: redacted(fields) }),
		...(error !== undefined && { error }),
	});
}
