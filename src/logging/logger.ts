import { pino, stdSerializers, stdTimeFunctions } from "pino";
import type { HostConfig } from "../config/config.ts";
import { messageOf } from "../core/errors.ts";
import { createLineSink } from "./line-sink.ts";
import { openRotatingFile } from "./rotating-file.ts";
import type { McpEvent } from "./events.ts";
import { currentRequestIds } from "./request-ids.ts";
import { prettyLine } from "./pretty-line.ts";

/** Fields of a line, beside its message. An error goes in as `error`, and is written with its stack and its causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Logging never throws and never waits for whoever reads the log. */
export interface Logger {
	debug(message: string, fields?: LogFields): void;
	info(message: string, fields?: LogFields): void;
	warn(message: string, fields?: LogFields): void;
	error(message: string, fields?: LogFields): void;
	/** A logger whose every line carries these fields. */
	child(fields: LogFields): Logger;
}

/** The logger that owns where the lines go to. */
export interface RootLogger extends Logger {
	/** Tries for a moment to write what could not be written yet. For just before the process ends. */
	flush(): void;
	/** Opens `LOG_FILE` again, after it was moved away. @throws {BulkheadError} CONFIG_INVALID; lines go on into the old file */
	reopen(): void;
	/** Flushes and closes; later lines are ignored. */
	close(): void;
}

/** A `HostConfig` is one. */
export type LoggerOptions = Pick<HostConfig, "logLevel" | "logFormat" | "logFile"> &
	Partial<Pick<HostConfig, "logMaxSizeMb" | "logMaxFiles">>;

/**
 * @param fd where the lines go to: standard error, unless a test wants them elsewhere
 * @throws BulkheadError CONFIG_INVALID when the log file cannot be opened
 */
export function createLogger(options: LoggerOptions, fd = 2): RootLogger {
	const { logLevel, logFormat, logFile, logMaxSizeMb = Number.POSITIVE_INFINITY, logMaxFiles = 1 } = options;
	const stream = createLineSink(fd, noticeOf("standard error"));
	let file =
		logFile === undefined
			? undefined
			: openRotatingFile({
					file: logFile,
					variable: "LOG_FILE",
					maxBytes: logMaxSizeMb * 1_048_576,
					maxFiles: logMaxFiles,
					onDropped: noticeOf("the log file"),
					onProblem: (what) => logger.warn(what),
				});
	const logger = pino(
		{
			level: logLevel,
			base: null,
			timestamp: stdTimeFunctions.isoTime,
			formatters: { level: (level) => ({ level }) },
			mixin: () => ({ mcp_event: "host" satisfies McpEvent, ...currentRequestIds() }),
			serializers: { error: (value: unknown) => (value instanceof Error ? stdSerializers.err(value) : value) },
		},
		{
			write(json: string) {
				stream.write(logFormat === "pretty" ? prettyLine(json, fd === 2) : json);
				file?.write(json);
			},
		},
	);

	return {
		...wrap(logger),
		flush() {
			stream.flush();
			file?.flush();
		},
		close() {
			stream.close();
			file?.close();
			// Closed once only: the number of its descriptor may be another file's by the next time.
			file = undefined;
		},
		reopen: () => file?.reopen(),
	};

	function noticeOf(target: string) {
		return (lines: number) => logger.warn({ lines }, `log lines were lost: ${target} did not take them`);
	}
}

function wrap(logger: pino.Logger): Logger {
	return {
		debug: (message, fields) => write(logger, "debug", message, fields),
		info: (message, fields) => write(logger, "info", message, fields),
		warn: (message, fields) => write(logger, "warn", message, fields),
		error: (message, fields) => write(logger, "error", message, fields),
		child: (fields) => wrap(logger.child(fields)),
	};
}

function write(logger: pino.Logger, level: HostConfig["logLevel"], message: string, fields: LogFields = {}): void {
	try {
		logger[level](fields, message);
	} catch (error) {
		// A getter among the fields, or in an error's cause, that throws.
		logger[level]({ unloggable: messageOf(error) }, message);
	}
}
