import { stripVTControlCharacters } from "node:util";
import { styled } from "./output.ts";

/**
 * Rows in columns, two spaces apart, under a head.
 *
 * @param rows cells as they are shown: texts of others have been made harmless
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => widthOf(row[column] ?? ""))));
	const line = (cells: readonly string[]): string =>
		cells
			.map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
			.join("  ")
			.trimEnd();
	return [styled("dim", line(head)), ...rows.map(line)].join("\n");
}

function widthOf(cell: string): number {
	return stripVTControlCharacters(cell).length;
}
