/**
 * What a page shows, as `GET /api/events` sends it: entries by key, of which a delta has those that changed. What changes
 * every second of a module has an entry of its own, so that a second costs little.
 */
export type PageEntries = Readonly<Record<string, unknown>>;

export interface HostData {
	readonly name: string;
	readonly version: string;
	readonly started_at: string;
	readonly public_url: string | null;
	readonly interval_ms: number;
}

export interface PlaceData {
	readonly file?: string | undefined;
	readonly line?: number | undefined;
	readonly column?: number | undefined;
	readonly message: string;
}

export interface ProblemData extends PlaceData {
	readonly frame?: string | undefined;
	readonly causes?: readonly PlaceData[] | undefined;
}

export interface ModuleData {
	readonly id: string;
	readonly file: string;
	readonly state: string;
	readonly serving: boolean;
	readonly generation: number;
	readonly version: string | null;
	readonly isolation: string;
	readonly started_at: string | null;
	readonly restarts: Readonly<Record<string, number>>;
	readonly last_restart: {
		readonly reason: string;
		readonly at: string;
		readonly problem: ProblemData;
		readonly advice: string;
	} | null;
	readonly next_attempt_at: string | null;
	readonly load_error: ProblemData | null;
	readonly collect_error: (ProblemData & { readonly code: string }) | null;
	readonly dropped: readonly DropData[];
	readonly conflicts: readonly { readonly list: string; readonly name: string; readonly owner: string }[];
	readonly rejected: readonly { readonly list: string; readonly name: string; readonly message: string }[];
	readonly warnings: readonly string[];
	readonly offers: {
		readonly tools: number;
		readonly resources: number;
		readonly resource_templates: number;
		readonly prompts: number;
	};
}

/** Samples of one family that were dropped for one reason. */
export interface DropData {
	readonly family: string;
	readonly reason: string;
	readonly count: number;
	readonly example: string;
}

export interface UsageData {
	readonly memory_bytes: number | null;
	/** Share of the time that the event loop was busy, 0 to 1. */
	readonly event_loop: number | null;
	readonly pending_calls: number;
	readonly collected_at: string | null;
	readonly series: number | null;
	/** Of the last minute; null where no call came. */
	readonly calls: {
		readonly per_second: number;
		readonly error_share: number;
		readonly p95_seconds: number;
	} | null;
}

export interface OfferData {
	readonly name: string;
	readonly title?: string;
	readonly description?: string;
	/** Of a resource or a template. */
	readonly uri?: string;
	readonly input_schema?: unknown;
	readonly arguments?: readonly string[];
}

export interface DetailData {
	readonly tools: readonly OfferData[];
	readonly resources: readonly OfferData[];
	readonly prompts: readonly OfferData[];
	/** How many of all lists are not among these. */
	readonly more: number;
	/** The lines of plugins.yaml that make the module's policy. */
	readonly policy: string;
	readonly permissions: readonly string[];
}

export interface LifeData {
	readonly at: string;
	readonly what: "serving" | "ended";
	readonly generation?: number;
	readonly version?: string;
	readonly reason?: string;
}

export interface IgnoredData {
	readonly file: string;
	readonly problem: string;
}

/** What is read of the entries is what src/http/page wrote into them. */
export const hostOf = (entries: PageEntries): HostData | undefined => entries["host"] as HostData | undefined;
export const ignoredOf = (entries: PageEntries): readonly IgnoredData[] =>
	(entries["ignored"] ?? []) as readonly IgnoredData[];
export const moduleOf = (entries: PageEntries, id: string): ModuleData | undefined =>
	entries[`${MODULE}${id}`] as ModuleData | undefined;
export const usageOf = (entries: PageEntries, id: string): UsageData | undefined =>
	entries[`${USAGE}${id}`] as UsageData | undefined;
export const detailOf = (entries: PageEntries): DetailData | undefined => entries["detail"] as DetailData | undefined;
export const lifeOf = (entries: PageEntries): readonly LifeData[] => (entries["life"] ?? []) as readonly LifeData[];

export function modulesOf(entries: PageEntries): readonly ModuleData[] {
	const keys = Object.keys(entries).filter((key) => key.startsWith(MODULE));
	return keys.map((key) => entries[key] as ModuleData).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

export const MODULE = "module:";
export const USAGE = "usage:";
