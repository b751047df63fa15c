/**
 * What modules offer, over a restart of the host: clients that list or call before a module has started again get what it
 * offered before. A file of JSON lines in `STATE_DIR`:
 *
 *     ["bulkhead catalog", 1]
 *     [module, catalog]          JSON text of a `CatalogDto`; a line a module
 *     ["end", crc]
 *
 * Nobody waits for a write, and a file that cannot be used is as good as none.
 */
import path from "node:path";
import { type CatalogDto, MAX_CATALOG_LENGTH, readCatalog } from "../../../workers/wire/catalog.ts";
import { parseJson } from "../../../workers/wire/json.ts";
import { messageOf } from "../../core/errors.ts";
import { readStateFile, writeStateFile } from "../../state/atomic-file.ts";
import { lineOf, sealLines, unsealLines } from "../../state/sealed-lines.ts";

export type Offered = readonly [moduleId: string, catalog: CatalogDto];

export interface KeptCatalog {
	/** What was kept last. Never rejects. */
	load(): Promise<readonly Offered[]>;
	/** What modules offer has changed: it is written in a moment, once for all changes until then. */
	changed(offered: () => Iterable<Offered>): void;
	/** Resolves when what has changed is on the disk, or cannot be. Later changes are not written. */
	close(): Promise<void>;
}

export interface KeptCatalogOptions {
	readonly stateDir: string;
	/** Told of a file that cannot be used, and of the first that cannot be written. */
	readonly onProblem: (what: string) => void;
}

export function createKeptCatalog({ stateDir, onProblem }: KeptCatalogOptions): KeptCatalog {
	const file = path.join(stateDir, FILE_NAME);
	let pending: (() => Iterable<Offered>) | undefined;
	let timer: NodeJS.Timeout | undefined;
	let writing: Promise<void> = Promise.resolve();
	let kept: string | undefined;
	let isProblemTold = false;
	let isClosed = false;

	async function write(): Promise<void> {
		if (pending === undefined) return;
		const text = encode(pending());
		pending = undefined;
		if (text === kept) return;
		try {
			await writeStateFile(file, text);
			kept = text;
		} catch (error) {
			if (isProblemTold) return;
			isProblemTold = true;
			onProblem(`what modules offer cannot be kept for the next start of the host: ${messageOf(error)}`);
		}
	}

	function flush(): Promise<void> {
		clearTimeout(timer);
		timer = undefined;
		writing = writing.then(write);
		return writing;
	}

	return {
		async load() {
			try {
				const text = await readStateFile(file, MAX_FILE_BYTES);
				if (text === undefined) return [];
				const offered = decode(text);
				if (offered !== undefined) return offered;
				onProblem(`${file} is damaged, so lists are empty until modules have started`);
			} catch (error) {
				onProblem(`${file} cannot be read, so lists are empty until modules have started: ${messageOf(error)}`);
			}
			return [];
		},
		changed(offered) {
			if (isClosed) return;
			pending = offered;
			timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS).unref();
		},
		close() {
			isClosed = true;
			return flush();
		},
	};
}

const FILE_NAME = "mcp-catalog.jsonl";
/** Some thousand tools. A module that does not fit any more is left out. */
const MAX_FILE_BYTES = 16 << 20;
/** Long enough for the changes of a start to be one write, and short enough to lose little. */
const WRITE_DELAY_MS = 1000;
const HEAD = lineOf(["bulkhead catalog", 1]);
const MAX_END_BYTES = lineOf(["end", 0xffffffff]).length;

function encode(offered: Iterable<Offered>): string {
	let text = HEAD;
	let bytes = HEAD.length + MAX_END_BYTES;
	for (const [moduleId, { legacy, modern, tasks }] of offered) {
		const json = JSON.stringify({ legacy, modern, tasks });
		if (json.length > MAX_CATALOG_LENGTH) continue;
		const line = lineOf([moduleId, json]);
		bytes += Buffer.byteLength(line);
		if (bytes > MAX_FILE_BYTES) break;
		text += line;
	}
	return sealLines(text);
}

/** Undefined for a text that is not what `encode` wrote, whole and undamaged. */
function decode(text: string): readonly Offered[] | undefined {
	const [head, ...lines] = unsealLines(text) ?? [];
	if (`${head}\n` !== HEAD) return undefined;
	const offered: Offered[] = [];
	for (const line of lines) {
		const parts = parseJson(line);
		const [moduleId, json] = Array.isArray(parts) ? (parts as readonly unknown[]) : [];
		const catalog = typeof json === "string" ? readCatalog(json) : undefined;
		if (typeof moduleId !== "string" || catalog === undefined) return undefined;
		offered.push([moduleId, catalog]);
	}
	return offered;
}
