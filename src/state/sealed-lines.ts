/**
 * Texts of JSON lines that end in one which tells whether all of the text is there and undamaged:
 *
 *     ["end", crc]        CRC-32 of all lines before this one
 */
import { crc32 } from "node:zlib";
import { parseJson } from "../../workers/wire/json.ts";

export function lineOf(line: readonly unknown[]): string {
	return `${JSON.stringify(line)}\n`;
}

/** @param lines what `lineOf` gave, one after the other */
export function sealLines(lines: string): string {
	return lines + lineOf(["end", crc32(lines)]);
}

/** The lines before the last, without their ends; undefined for a text that is not whole. */
export function unsealLines(text: string): readonly string[] | undefined {
	const bodyEnd = text.lastIndexOf("\n", text.length - 2) + 1;
	const body = text.slice(0, bodyEnd);
	const end = parseJson(text.slice(bodyEnd));
	if (!Array.isArray(end) || end[0] !== "end" || end[1] !== crc32(body)) return undefined;
	return body.split("\n").slice(0, -1);
}
