/** Written families as they cross from one thread to the other: the bytes are handed over, and where families end is a list of numbers. */
import type { FamilySpan, PageFormat, WrittenFamilies, WrittenFormats } from "./exposition-writer.ts";
import { PAGE_FORMATS } from "./exposition-writer.ts";

export interface WrittenDto {
	/** Family names, one a line, in the order of the bytes. */
	readonly names: string;
	/** Formats that come out the same are the same object, here and where it arrives. */
	readonly formats: Readonly<Record<PageFormat, FormatDto>>;
}

interface FormatDto {
	/** In a buffer of its own. */
	readonly bytes: Uint8Array<ArrayBuffer>;
	/** For each family where its samples begin, and where they end: the next one begins there. */
	readonly bounds: Uint32Array<ArrayBuffer>;
}

/** The second is what to transfer. */
export function encodeWritten(written: WrittenFormats): readonly [WrittenDto, ArrayBuffer[]] {
	const formats = eachFormat(written, ({ bytes, spans }): FormatDto => {
		const bounds = new Uint32Array(spans.size * 2);
		let at = 0;
		for (const { body, end } of spans.values()) {
			bounds[at++] = body;
			bounds[at++] = end;
		}
		return { bytes, bounds };
	});
	const buffers = new Set(Object.values(formats).flatMap(({ bytes, bounds }) => [bytes.buffer, bounds.buffer]));
	return [{ names: [...written.text.spans.keys()].join("\n"), formats }, [...buffers]];
}

/** Where families lie is worked out when somebody asks: nearly always a module's bytes go to the page as they are. */
export function decodeWritten({ names, formats }: WrittenDto): WrittenFormats {
	return eachFormat(formats, ({ bytes, bounds }): WrittenFamilies => {
		let spans: ReadonlyMap<string, FamilySpan> | undefined;
		return {
			bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
			get spans() {
				spans ??= spansOf(names, bounds);
				return spans;
			},
		};
	});
}

function spansOf(names: string, bounds: Uint32Array): ReadonlyMap<string, FamilySpan> {
	const spans = new Map<string, FamilySpan>();
	if (bounds.length === 0) return spans;
	let start = 0;
	for (const [index, name] of names.split("\n").entries()) {
		const [body = start, end = start] = [bounds[2 * index], bounds[2 * index + 1]];
		spans.set(name, { start, body, end });
		start = end;
	}
	return spans;
}

function eachFormat<One extends object, Other>(
	formats: Readonly<Record<PageFormat, One>>,
	convert: (one: One) => Other,
): Readonly<Record<PageFormat, Other>> {
	const converted = new Map<One, Other>();
	for (const one of Object.values<One>(formats)) if (!converted.has(one)) converted.set(one, convert(one));
	return Object.fromEntries(PAGE_FORMATS.map((format) => [format, converted.get(formats[format])])) as Record<
		PageFormat,
		Other
	>;
}
