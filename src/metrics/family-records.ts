/** The metric families that modules have part in, to be found by each name that they occupy. */
import { claimedNames, type MetricType } from "./metric-names.ts";
import type { SeriesClaims } from "./series-claims.ts";

export interface FamilyRecords {
	get(name: string): FamilyRecord | undefined;
	/** The family that occupies a name, its own or that of one of its samples. */
	holderOf(name: string): string | undefined;
	/** A family without contributors; there must be none of that name. */
	add(name: string, type: MetricType): FamilyRecord;
	delete(record: FamilyRecord): void;
}

export interface FamilyRecord {
	readonly name: string;
	readonly type: MetricType;
	/** In order of arrival: the first one is the owner. */
	readonly contributors: Map<string, Contributor>;
	/** Owners of series, once the family has more than one contributor. */
	claims: SeriesClaims | undefined;
}

export interface Contributor {
	/** Undefined until it is collected: what is restored has no help. */
	readonly help: string | undefined;
	/** When it was last collected with the family, in milliseconds. */
	readonly seenAt: number;
}

export function createFamilyRecords(): FamilyRecords {
	const records = new Map<string, FamilyRecord>();
	const occupied = new Map<string, string>();

	return {
		get: (name) => records.get(name),
		holderOf: (name) => occupied.get(name),
		add(name, type) {
			const record: FamilyRecord = { name, type, contributors: new Map(), claims: undefined };
			records.set(name, record);
			for (const form of claimedNames(name, type)) occupied.set(form, name);
			return record;
		},
		delete({ name, type }) {
			for (const form of claimedNames(name, type)) if (occupied.get(form) === name) occupied.delete(form);
			records.delete(name);
		},
	};
}

export function ownerOf({ contributors }: FamilyRecord): string | undefined {
	return contributors.keys().next().value;
}
