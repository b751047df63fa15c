/**
 * Who owns an MCP name (of a tool, a prompt, a static resource or a template) when several modules offer it: the one that
 * had it first, for good.
 *
 * It keeps a name across its restarts, while it is down, and over a restart of the host. It loses the names that it has
 * started without, and all of them when it is gone.
 */
import type { OwnedNames } from "../../state/owner-file.ts";
import type { McpName } from "./name-owner-format.ts";
import { LIST_NAMES, type ListName } from "../../../workers/wire/catalog.ts";

export interface NameOwnership {
	/** What a module has registered when it started, in place of all that it offered before. */
	start(moduleId: string, registered: RegisteredNames): void;
	/** What it has registered by now, in place of all that it offered before. */
	relist(moduleId: string, registered: RegisteredNames): void;
	/**
	 * The URIs that it lists as resources for single requests: its own as the others are, but not kept over a restart. Takes
	 * time by how many these are, not by what all modules offer.
	 *
	 * @returns whether a name that it has given up has gone to another module
	 */
	list(moduleId: string, listed: ReadonlySet<string>): boolean;
	/** The module is to offer nothing: its names are free for the next who offers them. */
	release(moduleId: string): void;
	/**
	 * The module's file is gone. Its names stay its own until `lapse`, in case it comes back, as when a deployment removes
	 * files and copies them again. Only an heir may have them, as when the file was moved.
	 *
	 * @param heirs modules that came as it went
	 */
	depart(moduleId: string, heirs: readonly string[]): void;
	/** The time of a module that is gone is over: its names are free. @returns whether it was still gone */
	lapse(moduleId: string): boolean;
	/**
	 * Every module has started once or has failed to, and there are no others than these: what others owned before is as if
	 * they had departed now.
	 * Until then, of those that offer a name which nobody owned before, the first by id has it, whoever came first.
	 *
	 * @param newcomers of these, those that were not there before the host was started: they may be what was moved
	 * @returns the modules that have departed
	 */
	seal(moduleIds: readonly string[], newcomers: readonly string[]): readonly string[];
	/** The module that owns a name and offers it. */
	owner(list: ListName, name: string): string | undefined;
	/** The names of a list that are owned and offered, with their owners. */
	owners(list: ListName): Iterable<readonly [name: string, owner: string]>;
	/** Names that the module offers and another one owns. */
	conflicts(moduleId: string): readonly NameConflict[];
	/** How many names of each list the module owns. */
	counts(moduleId: string): Readonly<Record<ListName, number>>;
}

/** A name that a module wanted and did not get. */
export interface NameConflict extends McpName {
	readonly owner: string;
}

export type RegisteredNames = Readonly<Record<ListName, ReadonlySet<string>>>;

export interface NameOwnershipOptions {
	/** What each module owned before the host was started. */
	readonly kept: readonly OwnedNames<McpName>[];
	/** Told when owners may have changed, for `kept`. Not before `seal`: what is kept until then is the best that is known. */
	readonly onChange: (owned: () => Iterable<OwnedNames<McpName>>) => void;
	/**
	 * Called from `seal` on for a registered name that a module is refused: once, until it has started without the name or is
	 * released. Of what it lists for single requests nobody is told, since that may change with each.
	 */
	readonly onConflict: (moduleId: string, conflict: NameConflict) => void;
}

export function createNameOwnership({ kept, onChange, onConflict }: NameOwnershipOptions): NameOwnership {
	const offers = new Map<string, Offer>();
	/** Of modules that have not started since the host did: they have what they had. */
	const absent = new Map(kept.map(({ moduleId, names }) => [moduleId, registeredOf(names)]));
	/** What modules that are gone owned, and who may have it. */
	const departed = new Map<string, { readonly registered: RegisteredNames; readonly heirs: ReadonlySet<string> }>();
	const owners = byList(() => new Map<string, string>());
	/** Conflicts that were told, by module. */
	const told = new Map<string, Set<string>>();
	let sealed = false;

	function has(moduleId: string, { list, name }: McpName): boolean {
		const offered = offers.get(moduleId);
		if (offered === undefined) {
			const had = absent.get(moduleId) ?? departed.get(moduleId)?.registered;
			return had?.[list].has(name) === true;
		}
		return offered.registered[list].has(name) || (list === "resources" && offered.listed.has(name));
	}

	/** Takes names from those that have given them up, and gives those without an owner to who offers them. */
	function settle(): void {
		if (!sealed) {
			for (const list of LIST_NAMES) owners[list].clear();
			for (const { moduleId, names } of kept) for (const name of names) take(moduleId, name);
		}
		for (const list of LIST_NAMES) {
			for (const [name, owner] of [...owners[list]]) if (!has(owner, { list, name })) owners[list].delete(name);
		}
		for (const moduleId of inTurn()) {
			for (const name of offeredBy(moduleId)) {
				inherit(moduleId, name);
				take(moduleId, name);
			}
		}
		if (!sealed) return;
		for (const moduleId of offers.keys()) tellConflicts(moduleId);
		onChange(owned);
	}

	/** Those that offer something, who comes first first. */
	function inTurn(): Iterable<string> {
		return sealed ? offers.keys() : [...offers.keys()].toSorted();
	}

	function take(moduleId: string, { list, name }: McpName): void {
		if (!owners[list].has(name)) owners[list].set(name, moduleId);
	}

	/** Takes the name from a module that is gone, for one that came as it went. */
	function inherit(moduleId: string, { list, name }: McpName): void {
		const owner = owners[list].get(name);
		const isHeir = owner !== undefined && departed.get(owner)?.heirs.has(moduleId) === true;
		if (isHeir) owners[list].set(name, moduleId);
	}

	function ownedBy(moduleId: string, registered: RegisteredNames): RegisteredNames {
		return byList((list) => new Set([...registered[list]].filter((name) => owners[list].get(name) === moduleId)));
	}

	function* offeredBy(moduleId: string): Iterable<McpName> {
		const offered = offers.get(moduleId);
		if (offered === undefined) return;
		yield* namesIn(offered.registered);
		for (const name of offered.listed) {
			if (!offered.registered.resources.has(name)) yield { list: "resources", name };
		}
	}

	function tellConflicts(moduleId: string): void {
		const offered = offers.get(moduleId);
		if (offered === undefined) return;
		for (const conflict of lostBy(moduleId, namesIn(offered.registered))) {
			const known = told.get(moduleId) ?? new Set();
			if (known.size >= MAX_CONFLICTS_TOLD) return;
			const key = keyOf(conflict);
			if (known.has(key)) continue;
			told.set(moduleId, known.add(key));
			onConflict(moduleId, conflict);
		}
	}

	/** Those of the names that another module owns. */
	function* lostBy(moduleId: string, names: Iterable<McpName>): Iterable<NameConflict> {
		for (const { list, name } of names) {
			const owner = owners[list].get(name);
			if (owner !== undefined && owner !== moduleId) yield { list, name, owner };
		}
	}

	function offer(moduleId: string, registered: RegisteredNames): void {
		absent.delete(moduleId);
		departed.delete(moduleId); // it is back
		offers.set(moduleId, { registered, listed: new Set() });
		settle();
	}

	/** Gives a name that its owner does not offer any more to the next who does. */
	function passOn(name: McpName): boolean {
		owners[name.list].delete(name.name);
		for (const moduleId of inTurn()) {
			if (!has(moduleId, name)) continue;
			take(moduleId, name);
			return true;
		}
		return false;
	}

	function* owned(): Iterable<OwnedNames<McpName>> {
		const registered = [
			...absent,
			...[...departed].map(([moduleId, { registered: had }]) => [moduleId, had] as const),
			...[...offers].map(([moduleId, offered]) => [moduleId, offered.registered] as const),
		];
		// In the order in which they came to own templates, which is that in which these are asked, also after a restart.
		const order = [...owners.resourceTemplates.values()];
		const placeOf = (moduleId: string): number => (order.indexOf(moduleId) + order.length + 1) % (order.length + 1);
		registered.sort(([a], [b]) => placeOf(a) - placeOf(b));
		for (const [moduleId, lists] of registered) {
			const names = [...namesIn(lists)].filter(({ list, name }) => owners[list].get(name) === moduleId);
			if (names.length > 0) yield { moduleId, names };
		}
	}

	function* offeredOwners(list: ListName): Iterable<readonly [string, string]> {
		for (const entry of owners[list]) if (offers.has(entry[1])) yield entry;
	}

	return {
		start(moduleId, registered) {
			const names = new Set([...namesIn(registered)].map(keyOf));
			const known = told.get(moduleId) ?? new Set();
			told.set(moduleId, known.intersection(names));
			offer(moduleId, registered);
		},
		relist: offer,
		list(moduleId, listed) {
			const before = offers.get(moduleId);
			if (before === undefined) return false;
			offers.set(moduleId, { ...before, listed });
			let hasMoved = false;
			for (const name of before.listed) {
				if (listed.has(name) || before.registered.resources.has(name)) continue;
				if (owners.resources.get(name) === moduleId && passOn({ list: "resources", name })) hasMoved = true;
			}
			for (const name of listed) take(moduleId, { list: "resources", name });
			if (hasMoved && sealed) onChange(owned);
			return hasMoved;
		},
		release(moduleId) {
			told.delete(moduleId);
			const wasAbsent = absent.delete(moduleId);
			const wasGone = departed.delete(moduleId);
			if (offers.delete(moduleId) || wasAbsent || wasGone) settle();
		},
		depart(moduleId, heirs) {
			told.delete(moduleId);
			const had = offers.get(moduleId)?.registered ?? absent.get(moduleId);
			if (had === undefined) return;
			departed.set(moduleId, { registered: ownedBy(moduleId, had), heirs: new Set(heirs) });
			offers.delete(moduleId);
			absent.delete(moduleId);
			settle();
		},
		lapse(moduleId) {
			const wasGone = departed.delete(moduleId);
			if (wasGone) settle();
			return wasGone;
		},
		seal(moduleIds, newcomers) {
			const known = new Set(moduleIds);
			const gone = [...absent].filter(([moduleId]) => !known.has(moduleId));
			for (const [moduleId, registered] of gone) {
				departed.set(moduleId, { registered: ownedBy(moduleId, registered), heirs: new Set(newcomers) });
				absent.delete(moduleId);
			}
			sealed = true;
			settle();
			return gone.map(([moduleId]) => moduleId);
		},
		owner(list, name) {
			const owner = owners[list].get(name);
			return owner !== undefined && offers.has(owner) ? owner : undefined;
		},
		owners: offeredOwners,
		conflicts: (moduleId) => [...lostBy(moduleId, offeredBy(moduleId))],
		counts(moduleId) {
			const counts = byList(() => 0);
			for (const { list, name } of offeredBy(moduleId)) if (owners[list].get(name) === moduleId) counts[list] += 1;
			return counts;
		},
	};
}

/** Most conflicts of a module that are told while it does not start anew. */
const MAX_CONFLICTS_TOLD = 1000;

interface Offer {
	readonly registered: RegisteredNames;
	/** See `NameOwnership.list`. */
	readonly listed: ReadonlySet<string>;
}

function byList<Value>(valueOf: (list: ListName) => Value): Record<ListName, Value> {
	return {
		tools: valueOf("tools"),
		prompts: valueOf("prompts"),
		resources: valueOf("resources"),
		resourceTemplates: valueOf("resourceTemplates"),
	};
}

function registeredOf(names: readonly McpName[]): RegisteredNames {
	return byList((list) => new Set(names.filter((name) => name.list === list).map(({ name }) => name)));
}

function keyOf({ list, name }: McpName): string {
	return `${list} ${name}`;
}

function* namesIn(registered: RegisteredNames): Iterable<McpName> {
	for (const list of LIST_NAMES) for (const name of registered[list]) yield { list, name };
}
