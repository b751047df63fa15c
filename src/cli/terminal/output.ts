import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Writes to standard output. */
export function print(text: string): void {
	process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
	print(JSON.stringify(value, null, 2));
}

/** In colour on a terminal that wants it (NO_COLOR, FORCE_COLOR), else as it is. */
export function styled(style: Style, text: string): string {
	return styleText(style, text, { stream: process.stdout });
}

/**
 * A text that somebody else wrote, a module or a host, for a terminal: everything that a terminal could act upon is shown
 * as `\x1b` instead. Newlines and tabs stay.
 */
export function harmless(text: string): string {
	return text.replace(
		// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
		/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
		(character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
	);
}

/** The same on one line, and not for ever. */
export function oneLine(text: string, maxLength = 200): string {
	const line = harmless(text).replace(/\s+/g, " ").trim();
	return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
