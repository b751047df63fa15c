import { styleText } from "node:util";

/**
 * A log line for people, made of one for machines: time of day, level, message, then the fields as `name=value`; a text of
 * several lines (a stack, a code frame) goes below, indented.
 *
 * Control characters are shown, not passed on: a message can quote what a module or a client wrote, which must neither
 * steer the terminal nor look like a line of its own.
 *
 * @param json a line as pino writes it
 * @param colour whether colours are wanted; NO_COLOR and a standard error that is no terminal prevent them all the same
 */
export function prettyLine(json: string, colour: boolean): string {
	const { time, level, msg, mcp_event: _event, ...fields } = JSON.parse(json) as Record<string, unknown>;
	const below: string[] = [];
	let line = `${String(time).slice(11, 23)} ${levelText(String(level), colour)} ${escape(String(msg))}`;
	for (const [name, value] of Object.entries(fields)) {
		const text = textOf(value);
		if (text.includes("\n")) below.push(`${name}: ${text}`);
		else line += ` ${dim(`${escape(name)}=`, colour)}${escape(text)}`;
	}
	return `${[line, ...below.map(escape)].join("\n").replaceAll("\n", INDENT)}\n`;
}

const INDENT = "\n    ";
const COLOURS = { debug: "gray", info: "green", warn: "yellow", error: "red" } as const;

function levelText(level: string, colour: boolean): string {
	const text = level.toUpperCase().padEnd(5);
	return colour && level in COLOURS ? style(COLOURS[level as keyof typeof COLOURS], text) : text;
}

function dim(text: string, colour: boolean): string {
	return colour ? style("dim", text) : text;
}

function style(format: "dim" | (typeof COLOURS)[keyof typeof COLOURS], text: string): string {
	return styleText(format, text, { stream: process.stderr });
}

function textOf(value: unknown): string {
	if (typeof value === "string") return value;
	if (isError(value)) return value.stack;
	return JSON.stringify(value);
}

/** As pino's serializer writes an error. */
function isError(value: unknown): value is { readonly stack: string } {
	return typeof value === "object" && value !== null && "stack" in value && typeof value.stack === "string";
}

/** Everything but newline and tab that a terminal could act upon, C1 included, as `\x1b`. */
function escape(text: string): string {
	return text.replace(
		// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
		/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
		(character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
	);
}
