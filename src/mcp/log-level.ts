/** The severities of MCP's log messages, from RFC 5424, the least severe first. */
const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/** @param threshold the least severe level that the client wants; undefined when it named none and wants all */
export function passesLogLevel(level: unknown, threshold: string | undefined): boolean {
	const severity = LEVELS.indexOf(String(level));
	return severity >= 0 && (threshold === undefined || severity >= LEVELS.indexOf(threshold));
}
