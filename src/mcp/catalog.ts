import {
	type CatalogDto,
	type Era,
	ERAS,
	LIST_KEYS,
	LIST_NAMES,
	type ListedDto,
	type ListName,
} from "../../workers/protocol.ts";
import { type CatalogKey, compareKeys } from "./catalog-key.ts";
import {
	createNameOwnership,
	type NameConflict,
	type NameOwnershipOptions,
	type OfferedNames,
} from "./name-ownership.ts";

/** What all modules together offer. A tool does not vanish from it while its module is down. */
export interface Catalog {
	/** Replaces what a module offers. Returns the lists whose visible content changed since `set` or `remove` last said. */
	set(moduleId: string, offered: CatalogDto): ReadonlySet<ListName>;
	/** The module's file is gone, or the module is disabled: its names are free for the next who offers them. */
	remove(moduleId: string): ReadonlySet<ListName>;
	/** Every module has started once or has failed to, and there are no others than these (name-ownership.ts). */
	seal(moduleIds: readonly string[]): ReadonlySet<ListName>;
	/** What modules offer. Sorted by module, then by name or URI. */
	list(name: ListName, era: Era): readonly ListedDto[];
	/**
	 * The resources as one request has found them, sorted alike. What a module has listed for that request stands in place
	 * of what it offers; it claims the names, and is shown to nobody else.
	 *
	 * @param listed by the id of the module
	 */
	resources(era: Era, listed: ReadonlyMap<string, readonly ListedDto[]>): readonly ListedDto[];
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

export function createCatalog(options: NameOwnershipOptions): Catalog {
	const offers = new Map<string, Offer>();
	const ownership = createNameOwnership(options);
	const lists = new Map<string, readonly ListedDto[]>();
	/** The lists, as JSON, when `set` or `remove` last said which had changed. */
	const announced = new Map<string, string>();

	function put(offered: ReadonlyMap<string, Offer>): void {
		const names = new Map<string, OfferedNames>();
		for (const [moduleId, offer] of offered) {
			offers.set(moduleId, offer);
			names.set(moduleId, namesOf(offer));
		}
		ownership.offer(names);
		rebuild();
	}

	function rebuild(): void {
		for (const list of LIST_NAMES) for (const era of ERAS) lists.set(`${era} ${list}`, visible(list, era));
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

	return {
		set(moduleId, offered) {
			put(new Map([[moduleId, { catalog: offered, listed: NO_LISTED }]]));
			return news();
		},
		remove(moduleId) {
			offers.delete(moduleId);
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
		resources(era, listed) {
			const changed = new Map<string, Offer>();
			for (const [moduleId, entries] of listed) {
				const known = offers.get(moduleId);
				const names = new Set(entries.map((entry) => nameOf("resources", entry)));
				if (known === undefined || sameNames(names, known.listed[era])) continue;
				changed.set(moduleId, { catalog: known.catalog, listed: { ...known.listed, [era]: names } });
			}
			if (changed.size > 0) put(changed);
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
function namesOf({ catalog, listed }: Offer): OfferedNames {
	const names = (list: ListName): ReadonlySet<string> =>
		new Set([...catalog.legacy[list], ...catalog.modern[list]].map((entry) => nameOf(list, entry)));
	return {
		registered: {
			tools: names("tools"),
			prompts: names("prompts"),
			resources: names("resources"),
			resourceTemplates: names("resourceTemplates"),
		},
		listed: listed.legacy.union(listed.modern),
	};
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
	return a.size === b.size && a.isSubsetOf(b);
}

function nameOf(list: ListName, entry: ListedDto): string {
	return String(entry[LIST_KEYS[list]]);
}
