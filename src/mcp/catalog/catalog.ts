import { type CatalogKey, compareKeys } from "./catalog-key.ts";
import {
	createNameOwnership,
	type NameConflict,
	type NameOwnershipOptions,
	type RegisteredNames,
} from "./name-ownership.ts";
import {
	type CatalogDto,
	LIST_KEYS,
	LIST_NAMES,
	type ListedDto,
	type ListName,
	readEntries,
} from "../../../workers/wire/catalog.ts";
import { type Era, ERAS } from "../../../workers/wire/catalog.ts";

/** What all modules together offer. A tool does not vanish from it while its module is down. */
export interface Catalog {
	/**
	 * What a module offers when it has started, in place of what it offered before.
	 *
	 * @returns the lists whose visible content has changed since this, or a method beside it, last said
	 */
	set(moduleId: string, offered: CatalogDto): ReadonlySet<ListName>;
	/** The module says that its lists have changed. */
	relist(moduleId: string, offered: CatalogDto): ReadonlySet<ListName>;
	/** The module's file is gone, or the module is disabled: its names are free for the next who offers them. */
	remove(moduleId: string): ReadonlySet<ListName>;
	/** Every module has started once or has failed to, and there are no others than these (name-ownership.ts). */
	seal(moduleIds: readonly string[]): ReadonlySet<ListName>;
	/** What modules offer. Sorted by module, then by name or URI. */
	list(name: ListName, era: Era): readonly ListedDto[];
	/**
	 * The resources as one request has found them, sorted alike. What a module has listed for that request stands in place
	 * of what it offers; it claims the names, and is shown to nobody else. Of each module the first `MAX_LISTED` are taken.
	 *
	 * @param listed what each module has said, by its id
	 */
	resources(era: Era, listed: ReadonlyMap<string, readonly unknown[]>): readonly ListedDto[];
	keyOf(name: ListName, entry: ListedDto): CatalogKey;
	/** Modules with a resource template, whose list of resources may differ from one moment to the next. */
	templateModules(): readonly string[];
	/** The module that owns a name and offers it. */
	owner(list: ListName, name: string): string | undefined;
	/** Whether any module declares the tasks extension. */
	hasTasks(): boolean;
	/** Modules with a template that may match the URI, the longest literal beginning first. */
	templateOwners(uri: string): readonly string[];
	/** Names that the module offers and another one owns. */
	conflicts(moduleId: string): readonly NameConflict[];
	/** How many entries of each list a module owns. */
	counts(moduleId: string): Readonly<Record<ListName, number>>;
}

export interface CatalogOptions extends NameOwnershipOptions {
	/** Called when a module has listed more resources for a request than are taken: once until it starts anew. */
	readonly onListTooLong: (moduleId: string, length: number) => void;
}

/** Most resources of one module in the answer to one request. */
export const MAX_LISTED = 10_000;

export function createCatalog({ onListTooLong, ...options }: CatalogOptions): Catalog {
	const offers = new Map<string, Offer>();
	const ownership = createNameOwnership(options);
	const lists = new Map<string, readonly ListedDto[]>();
	/** The lists, as JSON, when it was last said which had changed. */
	const announced = new Map<string, string>();
	/** Modules of which `onListTooLong` was told. */
	const tooLong = new Set<string>();

	function rebuild(changed: readonly ListName[] = LIST_NAMES): void {
		for (const list of changed) for (const era of ERAS) lists.set(`${era} ${list}`, visible(list, era));
	}

	/** The lists that have changed since this was last asked. */
	function news(): ReadonlySet<ListName> {
		const changed = new Set<ListName>();
		for (const list of LIST_NAMES) {
			for (const era of ERAS) {
				const key = `${era} ${list}`;
				const now = JSON.stringify(lists.get(key));
				if (now !== (announced.get(key) ?? "[]")) changed.add(list);
				announced.set(key, now);
			}
		}
		return changed;
	}

	/** @param listed what stands in place of modules' offers */
	function visible(list: ListName, era: Era, listed?: ReadonlyMap<string, readonly ListedDto[]>): readonly ListedDto[] {
		const entries: { readonly key: CatalogKey; readonly entry: ListedDto }[] = [];
		for (const [moduleId, offer] of offers) {
			const seen = new Set<string>();
			for (const entry of listed?.get(moduleId) ?? offer.catalog[era][list]) {
				const name = nameOf(list, entry);
				if (ownership.owner(list, name) === moduleId && !seen.has(name))
					entries.push({ key: { moduleId, name }, entry });
				seen.add(name);
			}
		}
		return entries.toSorted((a, b) => compareKeys(a.key, b.key)).map(({ entry }) => entry);
	}

	/** What a module has said of its resources, as far as it is taken. */
	function taken(moduleId: string, said: readonly unknown[]): readonly ListedDto[] {
		if (said.length > MAX_LISTED && !tooLong.has(moduleId)) {
			tooLong.add(moduleId);
			onListTooLong(moduleId, said.length);
		}
		return readEntries("resources", said.slice(0, MAX_LISTED));
	}

	return {
		set(moduleId, offered) {
			tooLong.delete(moduleId);
			offers.set(moduleId, { catalog: offered, listed: NO_LISTED });
			ownership.start(moduleId, namesOf(offered));
			rebuild();
			return news();
		},
		relist(moduleId, offered) {
			offers.set(moduleId, { catalog: offered, listed: NO_LISTED });
			ownership.relist(moduleId, namesOf(offered));
			rebuild();
			return news();
		},
		remove(moduleId) {
			offers.delete(moduleId);
			tooLong.delete(moduleId);
			ownership.release(moduleId); // also what it owned before the host was started
			rebuild();
			return news();
		},
		seal(moduleIds) {
			ownership.seal(moduleIds);
			rebuild();
			return news();
		},
		list: (name, era) => lists.get(`${era} ${name}`) ?? [],
		resources(era, said) {
			const listed = new Map<string, readonly ListedDto[]>();
			let hasMoved = false;
			for (const [moduleId, known] of offers) {
				const entries = said.get(moduleId);
				if (entries === undefined) continue;
				const shown = taken(moduleId, entries);
				listed.set(moduleId, shown);
				const names = new Set(shown.map((entry) => nameOf("resources", entry)));
				if (sameNames(names, known.listed[era])) continue;
				const now = { ...known.listed, [era]: names };
				offers.set(moduleId, { catalog: known.catalog, listed: now });
				if (ownership.list(moduleId, now.legacy.union(now.modern))) hasMoved = true;
			}
			// Only then has a resource that another module has registered come into a list.
			if (hasMoved) rebuild(["resources"]);
			return visible("resources", era, listed);
		},
		keyOf(list, entry) {
			const name = nameOf(list, entry);
			return { moduleId: ownership.owner(list, name) ?? "", name };
		},
		templateModules: () => [...new Set([...ownership.owners("resourceTemplates")].map(([, owner]) => owner))],
		owner: ownership.owner,
		hasTasks: () => [...offers.values()].some(({ catalog }) => catalog.tasks === true),
		templateOwners(uri) {
			const matches: { readonly owner: string; readonly literal: number }[] = [];
			for (const [template, owner] of ownership.owners("resourceTemplates")) {
				const literal = template.split("{", 1)[0] ?? "";
				if (uri.startsWith(literal)) matches.push({ owner, literal: literal.length });
			}
			return [...new Set(matches.toSorted((a, b) => b.literal - a.literal).map((match) => match.owner))];
		},
		conflicts: ownership.conflicts,
		counts: ownership.counts,
	};
}

interface Offer {
	readonly catalog: CatalogDto;
	/** The resources that it has listed since, for the request that came last. */
	readonly listed: Readonly<Record<Era, ReadonlySet<string>>>;
}

const NO_LISTED: Offer["listed"] = { legacy: new Set(), modern: new Set() };

/** The names in either era's lists. */
function namesOf({ legacy, modern }: CatalogDto): RegisteredNames {
	const names = (list: ListName): ReadonlySet<string> =>
		new Set([...legacy[list], ...modern[list]].map((entry) => nameOf(list, entry)));
	return {
		tools: names("tools"),
		prompts: names("prompts"),
		resources: names("resources"),
		resourceTemplates: names("resourceTemplates"),
	};
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
	return a.size === b.size && a.isSubsetOf(b);
}

function nameOf(list: ListName, entry: ListedDto): string {
	return String(entry[LIST_KEYS[list]]);
}
