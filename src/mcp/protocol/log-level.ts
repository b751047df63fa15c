/** The severities of MCP's log messages, from RFC 5424, the least severe first. */
const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/**
 * Whether a client wants a notification: any, save for log messages below its level.
 *
 * @param threshold the least severe level that the client wants; undefined when it named none and wants all, null when it
 * wants none
 */
export function passesLogLevel(
	{ method, params }: { readonly method: string; readonly params: Readonly<Record<string, unknown>> },
	threshold: string | null | undefined,
): boolean {
	if (method !== "notifications/message") return true;
	if (threshold === null) return false;
	const severity = LEVELS.indexOf(String(params["level"]));
	return severity >= 0 && (threshold === undefined || severity >= LEVELS.indexOf(threshold));
}
