/**
 * The text of the file that keeps the owners of metric families, as newline-delimited JSON:
 *
 *     ["bulkhead owners", 1]
 *     [module, [family, type], ...]           what the module owns; a line a module
 *     ["end", crc]                            CRC-32 of all lines before this one
 */
import { parseJson } from "../../workers/protocol.ts";
import { isReservedName, type MetricType, metricTypeOf, refusedName } from "./metric-names.ts";
import { lineOf, sealLines, unsealLines } from "./sealed-lines.ts";

/** The families that a module has had first. */
export interface OwnedNames {
	readonly moduleId: string;
	readonly families: readonly OwnedFamily[];
}

export interface OwnedFamily {
	readonly name: string;
	readonly type: MetricType;
}

/** Most bytes of a text: a few thousand modules of the usual size. */
export const MAX_OWNER_FILE_BYTES = 1024 * 1024;

/** Most families that are kept of one module, the first ones, so that none can take up the whole file. */
export const MAX_KEPT_FAMILIES = 1000;

/** Never longer than `MAX_OWNER_FILE_BYTES`: a module that does not fit any more is left out. */
export function* encodeOwners(owned: Iterable<OwnedNames>): Generator<undefined, string> {
	let text = HEAD;
	let bytes = HEAD.length + MAX_END_BYTES;
	for (const { moduleId, families } of owned) {
		const kept = families.slice(0, MAX_KEPT_FAMILIES);
		const line = lineOf([moduleId, ...kept.map(({ name, type }) => [name, type])]);
		const lineBytes = Buffer.byteLength(line);
		if (bytes + lineBytes <= MAX_OWNER_FILE_BYTES) {
			text += line;
			bytes += lineBytes;
		}
		yield;
	}
	return sealLines(text);
}

/** Undefined for a text that is not what `encodeOwners` wrote, whole and undamaged. */
export function* decodeOwners(text: string): Generator<undefined, readonly OwnedNames[] | undefined> {
	const [head, ...lines] = unsealLines(text) ?? [];
	if (`${head}\n` !== HEAD) return undefined;
	const owned: OwnedNames[] = [];
	for (const line of lines) {
		const names = readNames(parseJson(line));
		if (names === undefined) return undefined;
		owned.push(names);
		yield;
	}
	return owned;
}

const HEAD = lineOf(["bulkhead owners", 1]);
const MAX_END_BYTES = lineOf(["end", 0xffffffff]).length;

function readNames(line: unknown): OwnedNames | undefined {
	if (!Array.isArray(line)) return undefined;
	const [moduleId, ...parts] = line as unknown[];
	if (typeof moduleId !== "string" || parts.length > MAX_KEPT_FAMILIES) return undefined;
	const families: OwnedFamily[] = [];
	for (const part of parts) {
		const family = readFamily(part);
		if (family === undefined) return undefined;
		families.push(family);
	}
	return { moduleId, families };
}

/** A name is held to what it is held to in a snapshot. */
function readFamily(part: unknown): OwnedFamily | undefined {
	if (!Array.isArray(part)) return undefined;
	const [name, word] = part as unknown[];
	const type = metricTypeOf(word);
	if (typeof name !== "string" || refusedName(name) !== undefined || isReservedName(name)) return undefined;
	return type === undefined ? undefined : { name, type };
}
