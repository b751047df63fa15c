import { type CatalogKey, compareKeys } from "./catalog-key.ts";
import type { Offered } from "./kept-catalog.ts";
import { checkEntries, checkOffer, nameWarnings, type RejectedEntry } from "./offer-check.ts";
import { createNameOwnership } from "./name-ownership.ts";
import type { NameConflict, NameOwnershipOptions, RegisteredNames } from "./name-ownership.ts";
import { createRejectionNews, keyOfRejected, type RejectionListeners } from "./rejection-news.ts";
import { createResourceLookup, type ResourceLookup } from "./resource-lookup.ts";
import {
	type CatalogDto,
	type Era,
	ERAS,
	LIST_KEYS,
	LIST_NAMES,
	type ListedDto,
	type ListName,
} from "../../../workers/wire/catalog.ts";

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
	/** The module is disabled: its names are free for the next who offers them. */
	remove(moduleId: string): ReadonlySet<ListName>;
	/** The module's file is gone: its names stay reserved for a time (name-ownership.ts). */
	depart(moduleId: string, heirs: readonly string[]): ReadonlySet<ListName>;
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
	readonly templateOwners: ResourceLookup["templateOwners"];
	readonly resourceOwner: ResourceLookup["owner"];
	readonly spellings: ResourceLookup["spellings"];
	/** Names that the module offers and another one owns. */
	conflicts(moduleId: string): readonly NameConflict[];
	/** What the module has registered and is in no list, since clients would refuse it or the SDK cannot list it. */
	rejected(moduleId: string): readonly RejectedEntry[];
	/** What is served of the module and will not work with everybody. */
	warnings(moduleId: string): readonly string[];
	/** Whether it is known what the module offers, from its last start, be that of an earlier run of the host. */
	has(moduleId: string): boolean;
	/** How many entries of each list a module owns. */
	counts(moduleId: string): Readonly<Record<ListName, number>>;
}

export interface CatalogOptions extends NameOwnershipOptions, RejectionListeners {
	/** What modules offered before the host was started: it is listed until they start, or it is known that they are gone. */
	readonly keptOffers?: readonly Offered[];
	/** How long the names of a module whose file is gone are kept for it, in milliseconds. */
	readonly leaseMs?: number;
	/** Told of lists that have changed since such a time is over. */
	readonly onLapsed?: (lists: ReadonlySet<ListName>) => void;
	/** Told when what modules offer may have changed, for `keptOffers`. */
	readonly onOffers?: (offered: () => Iterable<Offered>) => void;
	/** Called when a module has listed more resources for a request than are taken: once until it starts anew. */
	readonly onListTooLong: (moduleId: string, length: number) => void;
}

/** Most resources of one module in the answer to one request. */
export const MAX_LISTED = 10_000;

export function createCatalog(options: CatalogOptions): Catalog {
	const { onListTooLong, keptOffers = [], onOffers, onLapsed, leaseMs = DEFAULT_LEASE_MS } = options;
	const offers = new Map<string, Offer>();
	const ownership = createNameOwnership(options);
	const lookup = createResourceLookup(ownership);
	const lists = new Map<string, readonly ListedDto[]>();
	/** The lists, as JSON, when it was last said which had changed. */
	const announced = new Map<string, string>();
	/** Modules of which `onListTooLong` was told. */
	const tooLong = new Set<string>();
	const rejections = createRejectionNews(options);
	const lapses = new Map<string, NodeJS.Timeout>();

	/** What is told to be kept, and the lists that have changed. */
	function changedLists(): ReadonlySet<ListName> {
		rebuild();
		onOffers?.(function* () {
			for (const [moduleId, { catalog }] of offers) yield [moduleId, catalog] as const;
		});
		return news();
	}

	function rebuild(changed: readonly ListName[] = LIST_NAMES): void {
		lookup.changed();
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
	function taken(moduleId: string, said: readonly unknown[]): readonly unknown[] {
		if (said.length > MAX_LISTED && !tooLong.has(moduleId)) {
			tooLong.add(moduleId);
			onListTooLong(moduleId, said.length);
		}
		return said.slice(0, MAX_LISTED);
	}

	/** What a module offers, as far as clients take it. */
	function offersNow(moduleId: string, offered: CatalogDto, isStart: boolean): Offer {
		const { catalog, rejected } = checkOffer(offered);
		const warnings = nameWarnings(catalog);
		rejections.offered(moduleId, { rejected, warnings }, isStart);
		const known: Offer = { catalog, listed: NO_LISTED, rejected, rejectedInLists: [], warnings };
		offers.set(moduleId, known);
		return known;
	}

	/** What a module lists for a request, as far as clients take it. */
	function listedBy(moduleId: string, era: Era, said: readonly unknown[]): readonly ListedDto[] {
		const { entries, rejected } = checkEntries("resources", era, taken(moduleId, said));
		const known = offers.get(moduleId);
		if (known === undefined || (rejected.length === 0 && known.rejectedInLists.length === 0)) return entries;
		offers.set(moduleId, { ...known, rejectedInLists: rejected });
		rejections.listed(moduleId, rejected);
		return entries;
	}

	function lapseLater(moduleId: string): void {
		clearTimeout(lapses.get(moduleId)); // of an earlier time that it was gone
		const lapse = (): void => {
			lapses.delete(moduleId);
			if (ownership.lapse(moduleId)) onLapsed?.(changedLists());
		};
		lapses.set(moduleId, setTimeout(lapse, leaseMs).unref());
	}

	const wasThere = new Set(
		[...options.kept, ...keptOffers.map(([moduleId]) => ({ moduleId }))].map(({ moduleId }) => moduleId),
	);
	for (const [moduleId, offered] of keptOffers) {
		ownership.start(moduleId, namesOf(offersNow(moduleId, offered, true).catalog));
	}
	rebuild();
	news();

	return {
		set(moduleId, offered) {
			tooLong.delete(moduleId);
			ownership.start(moduleId, namesOf(offersNow(moduleId, offered, true).catalog));
			return changedLists();
		},
		relist(moduleId, offered) {
			ownership.relist(moduleId, namesOf(offersNow(moduleId, offered, false).catalog));
			return changedLists();
		},
		remove(moduleId) {
			offers.delete(moduleId);
			tooLong.delete(moduleId);
			rejections.forget(moduleId);
			ownership.release(moduleId); // also what it owned before the host was started
			return changedLists();
		},
		depart(moduleId, heirs) {
			offers.delete(moduleId);
			tooLong.delete(moduleId);
			rejections.forget(moduleId);
			ownership.depart(moduleId, heirs);
			lapseLater(moduleId);
			return changedLists();
		},
		seal(moduleIds) {
			const present = new Set(moduleIds);
			const newcomers = moduleIds.filter((moduleId) => !wasThere.has(moduleId));
			const gone = [...offers.keys()].filter((moduleId) => !present.has(moduleId));
			for (const moduleId of gone) {
				offers.delete(moduleId);
				ownership.depart(moduleId, newcomers);
			}
			for (const moduleId of [...gone, ...ownership.seal(moduleIds, newcomers)]) lapseLater(moduleId);
			return changedLists();
		},
		list: (name, era) => lists.get(`${era} ${name}`) ?? [],
		resources(era, said) {
			const listed = new Map<string, readonly ListedDto[]>();
			let hasMoved = false;
			for (const moduleId of offers.keys()) {
				const entries = said.get(moduleId);
				if (entries === undefined) continue;
				const shown = listedBy(moduleId, era, entries);
				listed.set(moduleId, shown);
				const names = new Set(shown.map((entry) => nameOf("resources", entry)));
				const known = offers.get(moduleId);
				if (known === undefined || sameNames(names, known.listed[era])) continue;
				const now = { ...known.listed, [era]: names };
				offers.set(moduleId, { ...known, listed: now });
				if (ownership.list(moduleId, now.legacy.union(now.modern))) hasMoved = true;
				lookup.changed();
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
		templateOwners: lookup.templateOwners,
		resourceOwner: lookup.owner,
		spellings: lookup.spellings,
		conflicts: ownership.conflicts,
		has: (moduleId) => offers.has(moduleId),
		rejected(moduleId) {
			const { rejected = [], rejectedInLists = [] } = offers.get(moduleId) ?? {};
			const all = new Map([...rejected, ...rejectedInLists].map((each) => [keyOfRejected(each), each]));
			return [...all.values()].slice(0, MAX_SHOWN);
		},
		warnings: (moduleId) => offers.get(moduleId)?.warnings.slice(0, MAX_SHOWN) ?? [],
		counts: ownership.counts,
	};
}

const DEFAULT_LEASE_MS = 300_000;

/** Most of a module's rejected entries and of its warnings that are shown. */
const MAX_SHOWN = 100;

interface Offer {
	/** Without what was rejected. */
	readonly catalog: CatalogDto;
	readonly rejected: readonly RejectedEntry[];
	/** What was rejected of the resources that it has listed since. */
	readonly rejectedInLists: readonly RejectedEntry[];
	readonly warnings: readonly string[];
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
