import {
	type CatalogDto,
	type Era,
	LIST_KEYS,
	LIST_NAMES,
	type ListedDto,
	type ListName,
} from "../../workers/protocol.ts";
import { type CatalogKey, compareKeys } from "./catalog-key.ts";

/** A name that a module wanted and did not get. */
export interface CatalogConflict {
	readonly list: ListName;
	readonly name: string;
	readonly owner: string;
}

/**
 * What all modules together offer. A name belongs to the module that had it first and stays with it while its file
 * exists, so a restart neither makes a tool vanish nor hands it to somebody else.
 */
export interface Catalog {
	/** Replaces what a module offers. Returns the lists whose visible content changed since `set` or `remove` last said. */
	set(moduleId: string, offered: CatalogDto): ReadonlySet<ListName>;
	/** The module's file is gone: its names are free for the next who claims them. */
	remove(moduleId: string): ReadonlySet<ListName>;
	/** Until it is sealed (all modules have started once), the module with the lower id wins a name, whoever came first. */
	seal(): void;
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
	owner(list: ListName, name: string): string | undefined;
	/** Whether any module declares the tasks extension. */
	hasTasks(): boolean;
	/** Modules with a template that may match the URI, the longest literal beginning first. */
	templateOwners(uri: string): readonly string[];
	conflicts(moduleId: string): readonly CatalogConflict[];
	/** How many entries of each list a module owns. */
	counts(moduleId: string): Readonly<Record<ListName, number>>;
}

export interface CatalogOptions {
	/** Called once per name that a module starts to be refused. */
	readonly onConflict: (moduleId: string, conflict: CatalogConflict) => void;
}

export function createCatalog({ onConflict }: CatalogOptions): Catalog {
	const offers = new Map<string, Offer>();
	const owners: Record<ListName, Map<string, string>> = {
		tools: new Map(),
		prompts: new Map(),
		resources: new Map(),
		resourceTemplates: new Map(),
	};
	const lists = new Map<string, readonly ListedDto[]>();
	/** The lists, as JSON, when `set` or `remove` last said which had changed. */
	const announced = new Map<string, string>();
	const known = new Set<string>();
	let sealed = false;

	/** Gives names without an owner to those who claim them, then rebuilds the lists. */
	function settle(): void {
		for (const list of LIST_NAMES) {
			assign(list);
			for (const era of ERAS) lists.set(`${era} ${list}`, visible(list, era));
		}
		reportConflicts();
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

	function assign(list: ListName): void {
		const claims = owners[list];
		if (!sealed) claims.clear();
		for (const [name, owner] of [...claims]) if (!namesOf(owner, list).has(name)) claims.delete(name);
		const claimants = sealed ? [...offers.keys()] : [...offers.keys()].toSorted();
		for (const moduleId of claimants) {
			for (const name of namesOf(moduleId, list)) if (!claims.has(name)) claims.set(name, moduleId);
		}
	}

	/** @param listed what stands in place of modules' offers */
	function visible(list: ListName, era: Era, listed?: ReadonlyMap<string, readonly ListedDto[]>): readonly ListedDto[] {
		const entries: { readonly key: CatalogKey; readonly entry: ListedDto }[] = [];
		for (const [moduleId, offer] of offers) {
			const seen = new Set<string>();
			for (const entry of listed?.get(moduleId) ?? offer.catalog[era][list]) {
				const name = nameOf(list, entry);
				if (owners[list].get(name) === moduleId && !seen.has(name)) entries.push({ key: { moduleId, name }, entry });
				seen.add(name);
			}
		}
		return entries.toSorted((a, b) => compareKeys(a.key, b.key)).map(({ entry }) => entry);
	}

	function reportConflicts(): void {
		const now = new Set<string>();
		for (const moduleId of offers.keys()) {
			for (const conflict of conflictsOf(moduleId)) {
				const key = JSON.stringify([moduleId, conflict.list, conflict.name]);
				now.add(key);
				if (!known.has(key)) onConflict(moduleId, conflict);
			}
		}
		known.clear();
		for (const key of now) known.add(key);
	}

	function conflictsOf(moduleId: string): readonly CatalogConflict[] {
		return LIST_NAMES.flatMap((list) =>
			[...namesOf(moduleId, list)].flatMap((name) => {
				const owner = owners[list].get(name);
				return owner === undefined || owner === moduleId ? [] : [{ list, name, owner }];
			}),
		);
	}

	function namesOf(moduleId: string, list: ListName): ReadonlySet<string> {
		return offers.get(moduleId)?.names[list] ?? NO_NAMES;
	}

	return {
		set(moduleId, offered) {
			offers.set(moduleId, offerOf(offered, NO_LISTED));
			settle();
			return news();
		},
		remove(moduleId) {
			if (!offers.delete(moduleId)) return new Set();
			settle();
			return news();
		},
		seal() {
			sealed = true;
		},
		list: (name, era) => lists.get(`${era} ${name}`) ?? [],
		resources(era, listed) {
			let isChanged = false;
			for (const [moduleId, entries] of listed) {
				const offer = offers.get(moduleId);
				const names = new Set(entries.map((entry) => nameOf("resources", entry)));
				if (offer === undefined || sameNames(names, offer.listed[era])) continue;
				offers.set(moduleId, offerOf(offer.catalog, { ...offer.listed, [era]: names }));
				isChanged = true;
			}
			if (isChanged) settle();
			return visible("resources", era, listed);
		},
		keyOf(list, entry) {
			const name = nameOf(list, entry);
			return { moduleId: owners[list].get(name) ?? "", name };
		},
		templateModules: () => [...new Set(owners.resourceTemplates.values())],
		owner: (list, name) => owners[list].get(name),
		hasTasks: () => [...offers.values()].some(({ catalog }) => catalog.tasks === true),
		templateOwners(uri) {
			const matches: { readonly owner: string; readonly literal: number }[] = [];
			for (const [template, owner] of owners.resourceTemplates) {
				const literal = template.split("{", 1)[0] ?? "";
				if (uri.startsWith(literal)) matches.push({ owner, literal: literal.length });
			}
			return [...new Set(matches.toSorted((a, b) => b.literal - a.literal).map((match) => match.owner))];
		},
		conflicts: conflictsOf,
		counts(moduleId) {
			const owned = (list: ListName): number =>
				[...namesOf(moduleId, list)].filter((name) => owners[list].get(name) === moduleId).length;
			return {
				tools: owned("tools"),
				prompts: owned("prompts"),
				resources: owned("resources"),
				resourceTemplates: owned("resourceTemplates"),
			};
		},
	};
}

interface Offer {
	readonly catalog: CatalogDto;
	/** The resources that it has listed since, for the request that came last. */
	readonly listed: Readonly<Record<Era, ReadonlySet<string>>>;
	/** The names in either era's lists. */
	readonly names: Readonly<Record<ListName, ReadonlySet<string>>>;
}

const ERAS = ["legacy", "modern"] as const satisfies readonly Era[];
const NO_NAMES: ReadonlySet<string> = new Set();
const NO_LISTED: Offer["listed"] = { legacy: NO_NAMES, modern: NO_NAMES };

function offerOf(catalog: CatalogDto, listed: Offer["listed"]): Offer {
	const names = (list: ListName): ReadonlySet<string> =>
		new Set([...catalog.legacy[list], ...catalog.modern[list]].map((entry) => nameOf(list, entry)));
	return {
		catalog,
		listed,
		names: {
			tools: names("tools"),
			prompts: names("prompts"),
			resources: new Set([...names("resources"), ...listed.legacy, ...listed.modern]),
			resourceTemplates: names("resourceTemplates"),
		},
	};
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
	return a.size === b.size && a.isSubsetOf(b);
}

function nameOf(list: ListName, entry: ListedDto): string {
	return String(entry[LIST_KEYS[list]]);
}
