/**
 * Who owns a metric family and a series when several modules export it: the one that had it first, for good.
 *
 * The first module keeps a name across restarts, and while it is down. It loses it when its file is gone, or when it has
 * been collected without it for longer than the lease. docs/metrics.md, rows 12 to 14, 16, 38 and 39.
 */
import type { OwnedNames } from "../../state/owner-file.ts";
import type { CheckedFamily } from "../validate/family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { createFamilyMembers } from "./family-registry.ts";
import type { OwnedFamily } from "./owner-format.ts";
import type { FamilySharing } from "./family-sharing.ts";
import { differencesOf, type FamilyRecord, type Look, lookOf, ownerOf } from "./family-records.ts";
import { hostNames } from "./reserved-names.ts";
import type { MetricType } from "../validate/metric-names.ts";
import { claimedNames, escapedName } from "../validate/metric-names.ts";
import { keepOwnSeries, type SeriesClaim, type SeriesClaims, sweepClaims } from "./series-claims.ts";

export interface FamilyOwnership {
	/** What must be known before these are claimed: the series of families that others show and that the module comes to. */
	unseen(moduleId: string, families: readonly CheckedFamily[]): readonly UnseenFamily[];
	/**
	 * Claims a module's families and series, and gives those back that it may show. Only one claim at a time may run.
	 * @param seen series of what was `unseen`, by family
	 * @param at when the snapshot was taken, in milliseconds
	 */
	claim(
		moduleId: string,
		families: readonly CheckedFamily[],
		seen: SeenFamilies,
		at: number,
		sink: DropSink,
	): Generator<undefined, CheckedFamily[]>;
	/** The page shows what the module has claimed last. */
	showing(moduleId: string): void;
	/** Modules that had to stand back for this one when each was claimed for last. */
	rivalsOf(moduleId: string): readonly string[];
	/** Gives up everything that a module owns. */
	release(moduleId: string): void;
	/** Gives up everything that other modules than these own. */
	retain(moduleIds: readonly string[]): void;
	/** Gives modules what they owned before the host was restarted, as if they had been collected with it at that time. */
	restore(owned: Iterable<OwnedNames<OwnedFamily>>, at: number): void;
	/** What each module owns, for `restore`; the families that it has had longest first. */
	owned(): Iterable<OwnedNames<OwnedFamily>>;
	/** A new object for each epoch. */
	sharing(): FamilySharing;
	/** Changes whenever `sharing()` does. */
	readonly epoch: number;
	/** Changes whenever `owned()` does. */
	readonly revision: number;
}

/** A family that one other module shows, alone so far: nobody has had to know its series. */
export interface UnseenFamily {
	readonly moduleId: string;
	readonly family: string;
	readonly type: MetricType;
}

/** By family: the module that shows it, and its series by their label text, none when it does not show the family now. */
export type SeenFamilies = ReadonlyMap<string, { readonly moduleId: string; readonly series: readonly string[] }>;

export interface OwnershipOptions {
	/** What the host itself exports: names with their types. */
	readonly hostFamilies: readonly { readonly name: string; readonly type: MetricType }[];
	/** How long a name is kept for a module that is collected without it. */
	readonly leaseMs: number;
	/** Most names and most series that are kept for a module beside those it shows. */
	readonly maxSeries: number;
}

export function createFamilyOwnership(options: OwnershipOptions): FamilyOwnership {
	const host = hostNames(options.hostFamilies);
	const members = createFamilyMembers({
		isHosts: (name) => host.types.has(name),
		leaseMs: options.leaseMs,
		maxAbsent: options.maxSeries,
	});
	/** By module: the owners of what was refused to it. */
	const refusedFor = new Map<string, Set<string>>();

	return {
		get epoch() {
			return members.epoch;
		},
		get revision() {
			return members.revision;
		},
		unseen(moduleId, families) {
			return families.flatMap(({ name, type }) => {
				const record = members.get(name);
				if (record === undefined || record.type !== type || record.claims !== undefined) return [];
				const others = [...record.contributors.keys()].filter((id) => id !== moduleId);
				return others.map((other) => ({ moduleId: other, family: name, type }));
			});
		},
		*claim(moduleId, families, seen, at, sink) {
			const present = new Set(families.map(({ name }) => name));
			const kept: CheckedFamily[] = [];
			refusedFor.delete(moduleId);
			for (const family of families) {
				const look = lookOf(family);
				const record = claimFamily(moduleId, family, look, present, sink);
				if (record !== undefined) {
					yield* claimSeries(record, moduleId, family, seen, at, sink);
					record.contributors.set(moduleId, { ...look, seenAt: at });
					kept.push(family);
				}
				yield;
			}
			members.lapse(moduleId, present, at);
			return kept;
		},
		rivalsOf: (owner) => [...refusedFor].filter(([, owners]) => owners.has(owner)).map(([moduleId]) => moduleId),
		release(moduleId) {
			refusedFor.delete(moduleId);
			members.release(moduleId);
		},
		retain: members.retain,
		restore(owned, at) {
			for (const { moduleId, names: families } of owned) {
				const present = new Set(families.map(({ name }) => name));
				for (const { name, type } of families) {
					const isTaken = members.get(name) !== undefined || (host.types.get(name) ?? type) !== type;
					if (isTaken || collisionOf(moduleId, name, type, present) !== undefined) continue;
					members.join(members.add(name, type), moduleId, { help: undefined, layout: undefined, seenAt: at });
				}
			}
		},
		owned: members.owned,
		showing: members.showing,
		sharing: members.sharing,
	};

	function standBack(moduleId: string, owner: string | undefined): void {
		if (owner === undefined) return;
		let owners = refusedFor.get(moduleId);
		if (owners === undefined) refusedFor.set(moduleId, (owners = new Set()));
		owners.add(owner);
	}

	function claimFamily(
		moduleId: string,
		family: CheckedFamily,
		look: Look,
		present: ReadonlySet<string>,
		sink: DropSink,
	): FamilyRecord | undefined {
		const { name, type } = family;
		const hostType = host.types.get(name);
		if (hostType !== undefined && hostType !== type) {
			sink.drop("type_conflict", name, "");
			return undefined;
		}
		const known = members.get(name);
		if (known?.type === type) {
			const [first] = known.contributors.entries();
			if (first !== undefined && first[0] !== moduleId) {
				for (const difference of differencesOf(first[1], look)) sink.warn(difference, name, "");
			}
			members.join(known, moduleId, { ...look, seenAt: 0 });
			return known;
		}
		if (known !== undefined) {
			if (ownerOf(known) !== moduleId) {
				standBack(moduleId, ownerOf(known));
				sink.drop("type_conflict", name, "");
				return undefined;
			}
			// Its owner gave it another type; whoever joined it must now fit the new one.
			members.destroy(known);
		}
		const collision = collisionOf(moduleId, name, type, present);
		if (collision !== undefined) {
			sink.drop(collision, name, "");
			return undefined;
		}
		const record = members.add(name, type);
		members.join(record, moduleId, { ...look, seenAt: 0 });
		return record;
	}

	function collisionOf(
		moduleId: string,
		name: string,
		type: MetricType,
		present: ReadonlySet<string>,
	): "suffix_collision" | "name_collision_after_escaping" | undefined {
		for (const form of claimedNames(name, type)) {
			const hostFamily = host.occupied.get(form);
			if (hostFamily !== undefined && hostFamily !== name) return collisionReason(name, hostFamily);
			const holder = members.holderOf(form);
			if (holder === undefined || holder === name) continue;
			const record = members.get(holder);
			const isOwnPast = record?.contributors.size === 1 && record.contributors.has(moduleId) && !present.has(holder);
			if (record === undefined || !isOwnPast) {
				if (record !== undefined) standBack(moduleId, ownerOf(record));
				return collisionReason(name, holder);
			}
			// The module itself renamed its metric.
			members.destroy(record);
		}
		return undefined;
	}

	/** Takes out of a family what is another module's. Nothing is, and nothing is kept in memory, while one has it alone. */
	function* claimSeries(
		record: FamilyRecord,
		moduleId: string,
		family: CheckedFamily,
		seen: SeenFamilies,
		at: number,
		sink: DropSink,
	): Generator<undefined, void> {
		const { contributors } = record;
		if (contributors.size === 1) return;
		record.claims ??= claimsOfContributors(record, seen);
		const isLapsed = (claim: SeriesClaim): boolean => {
			const owner = contributors.get(claim.moduleId);
			return owner === undefined || owner.seenAt - claim.seenAt > options.leaseMs;
		};
		const own = { moduleId, seenAt: at };
		// An owner that comes back after a restart of the host, and finds others there before it.
		const inherits = ownerOf(record) === moduleId && contributors.get(moduleId)?.help === undefined;
		yield* keepOwnSeries(record.claims, family, own, isLapsed, inherits, (series, owner) => {
			standBack(moduleId, owner);
			sink.drop("duplicate_series", family.name, series);
		});
		if (record.claims.size > family.series.length + contributors.size * options.maxSeries) {
			yield* sweepClaims(record.claims, own);
		}
	}
}

function collisionReason(name: string, holder: string): "suffix_collision" | "name_collision_after_escaping" {
	const isEscaped = escapedName(name) !== name || escapedName(holder) !== holder;
	return isEscaped ? "name_collision_after_escaping" : "suffix_collision";
}

/** When a second module comes to a family, what the first one shows is the first one's. */
function claimsOfContributors({ name, contributors }: FamilyRecord, seen: SeenFamilies): SeriesClaims {
	const claims: SeriesClaims = new Map();
	const { moduleId = "", series = [] } = seen.get(name) ?? {};
	const contributor = contributors.get(moduleId);
	if (contributor === undefined) return claims;
	const claim = { moduleId, seenAt: contributor.seenAt };
	for (const labels of series) claims.set(labels, claim);
	return claims;
}
