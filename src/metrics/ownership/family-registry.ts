/** Which modules have part in which metric families, and since when: joining, leaving, and being forgotten. */
import type { OwnedNames } from "../../state/owner-file.ts";
import type { OwnedFamily } from "./owner-format.ts";
import {
	type Contributor,
	createFamilyRecords,
	type FamilyRecord,
	type FamilyRecords,
	ownerOf,
} from "./family-records.ts";
import type { FamilySharing } from "./family-sharing.ts";
import type { MetricType } from "../validate/metric-names.ts";

export interface FamilyMembers extends Pick<FamilyRecords, "get" | "holderOf"> {
	/** A family without contributors; there must be none of that name. */
	add(name: string, type: MetricType): FamilyRecord;
	/** Nothing for a module that has part in it. */
	join(record: FamilyRecord, moduleId: string, contributor: Contributor): void;
	destroy(record: FamilyRecord): void;
	/** A module was collected with these families alone: it leaves those that it has been without for longer than the lease. */
	lapse(moduleId: string, present: ReadonlySet<string>, at: number): void;
	/** A module leaves everything. */
	release(moduleId: string): void;
	/** All other modules than these leave everything. */
	retain(moduleIds: readonly string[]): void;
	/** What each module owns; the families that it has had longest first. */
	owned(): Iterable<OwnedNames<OwnedFamily>>;
	/** What a module shows from now on is what it was collected with last: it has lost nothing of that. */
	showing(moduleId: string): void;
	/** A new object for each epoch. */
	sharing(): FamilySharing;
	/** Changes whenever `sharing()` does. */
	readonly epoch: number;
	/** Changes whenever `owned()` does. */
	readonly revision: number;
}

export interface MembershipOptions {
	/** Whether the host exports a family of that name. */
	readonly isHosts: (name: string) => boolean;
	/** How long a module keeps its part in a family that it is collected without. */
	readonly leaseMs: number;
	/** Most families that are kept for a module beside those it shows. */
	readonly maxAbsent: number;
}

export function createFamilyMembers({ isHosts, leaseMs, maxAbsent }: MembershipOptions): FamilyMembers {
	const records = createFamilyRecords();
	const held = new Map<string, Set<string>>();
	const shared = new Set<string>();
	const lost = new Map<string, Set<string>>();
	let epoch = 0;
	let revision = 0;

	return {
		get epoch() {
			return epoch;
		},
		get revision() {
			return revision;
		},
		sharing: () => ({
			epoch,
			shared: new Map(Array.from(shared, (name) => [name, [...(records.get(name)?.contributors.keys() ?? [])]])),
			lost: new Map(Array.from(lost, ([moduleId, names]) => [moduleId, new Set(names)])),
		}),
		showing(moduleId) {
			if (lost.delete(moduleId)) epoch++;
		},
		get: records.get,
		holderOf: records.holderOf,
		add(name, type) {
			revision++;
			return records.add(name, type);
		},
		join(record, moduleId, contributor) {
			if (record.contributors.has(moduleId)) return;
			record.contributors.set(moduleId, contributor);
			let names = held.get(moduleId);
			if (names === undefined) held.set(moduleId, (names = new Set()));
			names.add(record.name);
			if (lost.get(moduleId)?.delete(record.name) === true) epoch++;
			if (record.contributors.size === 1 && !isHosts(record.name)) return;
			shared.add(record.name);
			epoch++;
		},
		destroy,
		lapse(moduleId, present, at) {
			const names = held.get(moduleId);
			if (names === undefined) return;
			const isTooMany = names.size - present.size > maxAbsent;
			for (const name of [...names]) {
				if (present.has(name)) continue;
				const seenAt = records.get(name)?.contributors.get(moduleId)?.seenAt ?? 0;
				if (isTooMany || at - seenAt > leaseMs) leave(name, moduleId);
			}
		},
		release,
		retain(moduleIds) {
			const kept = new Set(moduleIds);
			for (const moduleId of [...held.keys()]) if (!kept.has(moduleId)) release(moduleId);
		},
		*owned() {
			for (const [moduleId, names] of held) {
				const families = ownedOf(moduleId, names);
				if (families.length > 0) yield { moduleId, names: families };
			}
		},
	};

	function destroy(record: FamilyRecord): void {
		for (const moduleId of record.contributors.keys()) lose(moduleId, record.name);
		records.delete(record);
		revision++;
		shared.delete(record.name);
	}

	function release(moduleId: string): void {
		for (const name of [...(held.get(moduleId) ?? [])]) leave(name, moduleId);
		held.delete(moduleId);
		// Its samples go from the page with it.
		if (lost.delete(moduleId)) epoch++;
	}

	/**
	 * It may still show the family, until it is collected again. Where it had it alone nobody needs to know: that is a module
	 * which is being collected, and what it shows next comes before another can have the name.
	 */
	function lose(moduleId: string, name: string): void {
		held.get(moduleId)?.delete(name);
		if (!shared.has(name)) return;
		let names = lost.get(moduleId);
		if (names === undefined) lost.set(moduleId, (names = new Set()));
		names.add(name);
		epoch++;
	}

	function leave(name: string, moduleId: string): void {
		const record = records.get(name);
		if (record === undefined) return;
		if (ownerOf(record) === moduleId) revision++;
		if (!record.contributors.delete(moduleId)) return;
		lose(moduleId, name);
		if (record.contributors.size === 0) return destroy(record);
		if (record.contributors.size === 1) {
			record.claims = undefined;
			if (!isHosts(name)) shared.delete(name);
			return;
		}
		for (const [labels, claim] of record.claims ?? []) {
			if (claim.moduleId === moduleId) record.claims?.delete(labels);
		}
	}

	function ownedOf(moduleId: string, names: Iterable<string>): readonly OwnedFamily[] {
		const families: OwnedFamily[] = [];
		for (const name of names) {
			const record = records.get(name);
			if (record !== undefined && ownerOf(record) === moduleId) families.push({ name, type: record.type });
		}
		return families;
	}
}
