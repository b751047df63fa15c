import type { LogLevel, ModuleLog } from "../contract.ts";
import { indexOf, keys, NativeString, slice } from "../primordials/primordials.ts";
import { currentRequest } from "../primordials/current-request.ts";
import { isRecord, parseJson } from "../wire/json.ts";
import { lineBytes, LOG_QUOTA } from "../wire/intake-quota.ts";
import { type LoggedDto, MAX_LOG_LENGTH } from "../wire/messages.ts";
import { createMessageQuota } from "../wire/token-bucket.ts";
import { toWireError } from "../wire/wire-error.ts";
import { fieldsText } from "./log-fields.ts";

/** What the lines of a module become: `context.log`, and what it prints. Each carries the number of the request it belongs to. */
export interface ModuleLines {
	readonly log: ModuleLog;
	/** A line that was printed. One that pino has written keeps its level, its message and its fields. */
	printed(level: LogLevel, line: string): void;
	/** A handler of the module threw. @param what e.g. `tool add` */
	failed(what: string, thrown: unknown): void;
}

export function createModuleLines(send: (line: LoggedDto) => void): ModuleLines {
	const quota = createMessageQuota(LOG_QUOTA);
	let dropped = 0;
	const write = (line: LoggedDto): void => {
		const during = currentRequest();
		send(during === undefined ? line : { ...line, during });
	};
	const writeWithin = (line: LoggedDto): void => {
		if (!quota.take(lineBytes(line))) {
			dropped += 1;
			return;
		}
		if (dropped > 0) {
			send({ level: "warn", text: `${dropped} messages to the log were dropped: they were too much` });
		}
		dropped = 0;
		write(line);
	};
	const log =
		(level: LogLevel) =>
		(message: unknown, fields?: unknown): void => {
			const text = textOf(message);
			const json = fields === undefined ? undefined : fieldsText(fields);
			writeWithin({
				level,
				text,
				...(message instanceof Error && { error: toWireError(message) }),
				...(json !== undefined && { fields: json }),
			});
		};
	return {
		log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
		printed: (level, line) => write(readPinoLine(line) ?? { level, text: slice(line, 0, MAX_LOG_LENGTH) }),
		failed: (what, thrown) =>
			writeWithin({
				level: "warn",
				text: `${slice(what, 0, MAX_SUBJECT_LENGTH)} failed`,
				error: toWireError(thrown),
				isFailure: true,
			}),
	};
}

const MAX_SUBJECT_LENGTH = 300;

function textOf(message: unknown): string {
	if (message instanceof Error) {
		const { name, message: text } = toWireError(message);
		return slice(`${name}: ${text}`, 0, MAX_LOG_LENGTH);
	}
	try {
		const text: unknown = typeof message === "string" ? message : NativeString(message);
		return typeof text === "string" ? slice(text, 0, MAX_LOG_LENGTH) : "";
	} catch {
		return "a message that cannot be turned into text";
	}
}

/** Undefined where the line is none of pino's, or of a logger that writes as pino does. */
function readPinoLine(line: string): LoggedDto | undefined {
	if (line[0] !== "{" || indexOf(line, '"level":') < 0) return undefined;
	const parsed = parseJson(line);
	if (!isRecord(parsed)) return undefined;
	const { level, msg, time: _time, pid: _pid, hostname: _hostname, ...fields } = parsed;
	const own = levelOf(level);
	if (own === undefined || (msg !== undefined && typeof msg !== "string")) return undefined;
	const json = keys(fields).length === 0 ? undefined : fieldsText(fields);
	return { level: own, text: slice(msg ?? "", 0, MAX_LOG_LENGTH), ...(json !== undefined && { fields: json }) };
}

function levelOf(level: unknown): LogLevel | undefined {
	if (typeof level === "number") return level < 30 ? "debug" : level < 40 ? "info" : level < 50 ? "warn" : "error";
	return typeof level === "string" ? LEVELS[level] : undefined;
}

const LEVELS = {
	__proto__: null,
	trace: "debug",
	debug: "debug",
	info: "info",
	warn: "warn",
	error: "error",
	fatal: "error",
} as unknown as Readonly<Record<string, LogLevel | undefined>>;
