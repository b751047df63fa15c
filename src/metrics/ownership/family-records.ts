/** The metric families that modules have part in, to be found by each name that they occupy. */
import { crc32 } from "node:zlib";
import type { CheckedFamily } from "../validate/family.ts";
import type { WarningReason } from "../drops/drop-log.ts";
import { claimedNames, type MetricType } from "../validate/metric-names.ts";
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

/** What contributors of a family should agree in. Undefined until one is collected: what is restored has neither. */
export interface Look {
	readonly help: string | undefined;
	/** A checksum of the bounds of its first histogram: no more than a warning hangs on it. */
	readonly layout: number | undefined;
}

export interface Contributor extends Look {
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

export function lookOf(family: CheckedFamily): Look {
	const first = family.type === "histogram" ? family.series[0] : undefined;
	return { help: family.help, layout: first === undefined ? undefined : crc32(first.bounds.join()) };
}

/** What to say of a contributor that does not look like the owner; it is kept all the same. */
export function differencesOf(owner: Look, other: Look): readonly WarningReason[] {
	const differences: WarningReason[] = [];
	if (isOther(owner.help, other.help)) differences.push("help_conflict");
	if (isOther(owner.layout, other.layout)) differences.push("bucket_layout_mismatch");
	return differences;
}

export function ownerOf({ contributors }: FamilyRecord): string | undefined {
	return contributors.keys().next().value;
}

function isOther(one: unknown, other: unknown): boolean {
	return one !== undefined && other !== undefined && one !== other;
}
