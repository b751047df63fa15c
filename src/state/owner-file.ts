/**
 * The text of a file that keeps who owns which names, as newline-delimited JSON:
 *
 *     ["bulkhead owners", 1]
 *     [module, name, ...]                     what the module owns; a line a module
 *     ["end", crc]                            CRC-32 of all lines before this one
 *
 * What stands for a name is its `OwnerFormat`'s.
 */
import { lineOf, sealLines, unsealLines } from "./sealed-lines.ts";
import { parseJson } from "../../workers/wire/json.ts";

/** The names that a module has had first. */
export interface OwnedNames<Name> {
	readonly moduleId: string;
	readonly names: readonly Name[];
}

/** What is particular to one kind of names. */
export interface OwnerFormat<Name> {
	/** In `STATE_DIR`. */
	readonly fileName: string;
	/** The kind, for sentences: "metric names". */
	readonly kind: string;
	/** Who owns a name where nothing is known from before, for a sentence that ends in ", as on a first start". */
	readonly firstOwner: string;
	readonly encode: (name: Name) => readonly unknown[];
	/** Undefined for what `encode` has not made, or would not any more. */
	readonly decode: (part: readonly unknown[]) => Name | undefined;
}

/** Most bytes of a text: a few thousand modules of the usual size. */
export const MAX_OWNER_FILE_BYTES = 1024 * 1024;

/** Most names that are kept of one module, and most bytes of them: the first ones, so that none takes up the whole file. */
export const MAX_KEPT_NAMES = 1000;
export const MAX_KEPT_BYTES = 64 * 1024;

/** Never longer than `MAX_OWNER_FILE_BYTES`: a module that does not fit any more is left out. */
export function* encodeOwners<Name>(
	owned: Iterable<OwnedNames<Name>>,
	format: OwnerFormat<Name>,
): Generator<undefined, string> {
	let text = HEAD;
	let bytes = HEAD.length + MAX_END_BYTES;
	for (const { moduleId, names } of owned) {
		const line = lineOf([moduleId, ...keptParts(names, format)]);
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
export function* decodeOwners<Name>(
	text: string,
	format: OwnerFormat<Name>,
): Generator<undefined, readonly OwnedNames<Name>[] | undefined> {
	const [head, ...lines] = unsealLines(text) ?? [];
	if (`${head}\n` !== HEAD) return undefined;
	const owned: OwnedNames<Name>[] = [];
	for (const line of lines) {
		const names = readNames(parseJson(line), format);
		if (names === undefined) return undefined;
		owned.push(names);
		yield;
	}
	return owned;
}

const HEAD = lineOf(["bulkhead owners", 1]);
const MAX_END_BYTES = lineOf(["end", 0xffffffff]).length;

function keptParts<Name>(names: readonly Name[], { encode }: OwnerFormat<Name>): readonly unknown[] {
	const parts: unknown[] = [];
	let bytes = 0;
	for (const name of names.slice(0, MAX_KEPT_NAMES)) {
		const part = encode(name);
		bytes += Buffer.byteLength(JSON.stringify(part));
		if (bytes > MAX_KEPT_BYTES) break;
		parts.push(part);
	}
	return parts;
}

function readNames<Name>(line: unknown, { decode }: OwnerFormat<Name>): OwnedNames<Name> | undefined {
	if (!Array.isArray(line)) return undefined;
	const [moduleId, ...parts] = line as unknown[];
	if (typeof moduleId !== "string" || parts.length > MAX_KEPT_NAMES) return undefined;
	const names: Name[] = [];
	for (const part of parts) {
		const name = Array.isArray(part) ? decode(part as unknown[]) : undefined;
		if (name === undefined) return undefined;
		names.push(name);
	}
	return { moduleId, names };
}
