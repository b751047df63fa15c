import { entryProblem } from "./entry-check.ts";
import {
	type CatalogDto,
	type Era,
	type EraCatalogDto,
	ERAS,
	LIST_KEYS,
	type ListedDto,
	type ListName,
	MAX_UNLISTED,
	readEntries,
	type UnlistedDto,
} from "../../../workers/wire/catalog.ts";

/** Something that a module has registered or lists, that is left out of the lists, and what is wrong with it. */
export type RejectedEntry = UnlistedDto;

export interface CheckedOffer {
	/** Only entries that every client takes. */
	readonly catalog: CatalogDto;
	readonly rejected: readonly RejectedEntry[];
}

/** What a module offers without what clients would refuse. What is wrong in both eras is said once. */
export function checkOffer(offered: CatalogDto): CheckedOffer {
	const rejected = new Map((offered.unlisted ?? []).map((each) => [textOf(each), each]));
	const checked = (era: Era): EraCatalogDto => {
		const entriesOf = (list: ListName): readonly ListedDto[] => {
			const { entries, rejected: bad } = checkEntries(list, era, offered[era][list]);
			for (const each of bad) rejected.set(textOf(each), each);
			return entries;
		};
		return {
			tools: entriesOf("tools"),
			prompts: entriesOf("prompts"),
			resources: entriesOf("resources"),
			resourceTemplates: entriesOf("resourceTemplates"),
		};
	};
	const catalog = { legacy: checked("legacy"), modern: checked("modern"), tasks: offered.tasks === true };
	return { catalog, rejected: [...rejected.values()] };
}

/**
 * The entries of one list that clients take. A list with more bad entries than are shown ends there: to find what is wrong
 * takes several times as long as to find that nothing is, and the list may be made anew for each request.
 */
export function checkEntries(
	list: ListName,
	era: Era,
	said: readonly unknown[],
): { readonly entries: readonly ListedDto[]; readonly rejected: readonly RejectedEntry[] } {
	const entries: ListedDto[] = [];
	const rejected: RejectedEntry[] = [];
	for (const entry of readEntries(said)) {
		const problem = entryProblem(list, era, entry);
		if (problem === undefined) entries.push(entry);
		else rejected.push({ list, name: shownName(list, entry), path: problem.path, message: problem.message });
		if (rejected.length === MAX_UNLISTED) break;
	}
	return { entries, rejected };
}

/**
 * Warnings of names that are served and that will not work with everybody: the interfaces of common models refuse a whole
 * conversation for one tool whose name is of other characters, or longer.
 */
export function nameWarnings(catalog: CatalogDto): readonly string[] {
	const names = (list: "tools" | "prompts"): ReadonlySet<string> =>
		new Set(ERAS.flatMap((era) => catalog[era][list].map((entry) => String(entry[LIST_KEYS[list]]))));
	return [
		...[...names("tools")]
			.filter((name) => !MODEL_NAME.test(name))
			.map(
				(name) => `tool ${quoted(name)} is served, but common model APIs only take names of 1 to 64 of A-Z a-z 0-9 _ -`,
			),
		...[...names("prompts")]
			.filter((name) => !MODEL_NAME.test(name))
			.map(
				(name) => `prompt ${quoted(name)} is served, but common clients only take names of 1 to 64 of A-Z a-z 0-9 _ -`,
			),
	].slice(0, MAX_WARNINGS);
}

/** Each is a line of the log. */
const MAX_WARNINGS = 100;

const MODEL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const MAX_NAME_SHOWN = 200;

function quoted(name: string): string {
	return JSON.stringify(name.slice(0, MAX_NAME_SHOWN));
}

function shownName(list: ListName, entry: ListedDto): string {
	const { [LIST_KEYS[list]]: key, name } = entry;
	return String(typeof key === "string" ? key : typeof name === "string" ? name : "")
		.slice(0, MAX_NAME_SHOWN)
		.toWellFormed();
}

function textOf({ list, name, path, message }: RejectedEntry): string {
	return JSON.stringify([list, name, path, message]);
}
