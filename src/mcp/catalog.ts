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
	/** Replaces what a module offers. Returns the lists whose visible content changed. */
	set(moduleId: string, offered: CatalogDto): ReadonlySet<ListName>;
	/** The module's file is gone: its names are free for the next who claims them. */
	remove(moduleId: string): ReadonlySet<ListName>;
	/** Until it is sealed (all modules have started once), the module with the lower id wins a name, whoever came first. */
	seal(): void;
	/** What a module's resource list holds just now. Nobody is told: a client that asks gets it. */
	refreshResources(moduleId: string, era: Era, resources: readonly ListedDto[]): void;
	/** Sorted by module, then by name or URI. */
	list(name: ListName, era: Era): readonly ListedDto[];
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
	const known = new Set<string>();
	let sealed = false;

	/** Gives names without an owner to those who claim them, then rebuilds the lists. Returns the lists that changed. */
	function settle(): ReadonlySet<ListName> {
		for (const list of LIST_NAMES) assign(list);
		reportConflicts();
		return new Set(LIST_NAMES.filter((list) => rebuild(list)));
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

	function rebuild(list: ListName): boolean {
		let changed = false;
		for (const era of ["legacy", "modern"] as const) {
			const key = `${era} ${list}`;
			const entries = visible(list, era);
			changed ||= JSON.stringify(entries) !== JSON.stringify(lists.get(key) ?? []);
			lists.set(key, entries);
		}
		return changed;
	}

	function visible(list: ListName, era: Era): readonly ListedDto[] {
		const entries: { readonly key: CatalogKey; readonly entry: ListedDto }[] = [];
		for (const [moduleId, offer] of offers) {
			const seen = new Set<string>();
			for (const entry of offer.catalog[era][list]) {
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

	const set: Catalog["set"] = (moduleId, offered) => {
		offers.set(moduleId, { catalog: offered, names: namesIn(offered) });
		return settle();
	};

	return {
		set,
		refreshResources(moduleId, era, resources) {
			const offered = offers.get(moduleId)?.catalog;
			if (offered === undefined || JSON.stringify(resources) === JSON.stringify(offered[era].resources)) return;
			set(moduleId, { ...offered, [era]: { ...offered[era], resources } });
		},
		remove(moduleId) {
			return offers.delete(moduleId) ? settle() : new Set();
		},
		seal() {
			sealed = true;
		},
		list: (name, era) => lists.get(`${era} ${name}`) ?? [],
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
	/** The names in either era's lists. */
	readonly names: Readonly<Record<ListName, ReadonlySet<string>>>;
}

const NO_NAMES: ReadonlySet<string> = new Set();

function namesIn(offered: CatalogDto): Offer["names"] {
	const names = (list: ListName): ReadonlySet<string> =>
		new Set([...offered.legacy[list], ...offered.modern[list]].map((entry) => nameOf(list, entry)));
	return {
		tools: names("tools"),
		prompts: names("prompts"),
		resources: names("resources"),
		resourceTemplates: names("resourceTemplates"),
	};
}

function nameOf(list: ListName, entry: ListedDto): string {
	return String(entry[LIST_KEYS[list]]);
}
