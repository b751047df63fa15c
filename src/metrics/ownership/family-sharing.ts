/** Which families are not one module's alone: what a page has to know of who owns what. */
export interface FamilySharing {
	/** Another number than before when anything in it is different. */
	readonly epoch: number;
	/** Families that several modules, or a module and the host, have part in: these modules, the owner first. */
	readonly shared: ReadonlyMap<string, readonly string[]>;
	/** By module: families that stand in what it shows now, and that it has no part in any more. */
	readonly lost: ReadonlyMap<string, ReadonlySet<string>>;
}

export const NOTHING_SHARED: FamilySharing = { epoch: 0, shared: new Map(), lost: new Map() };

/** Whether a family in a module's bytes is that module's alone; undefined for a module whose families all are. */
export function ownFilter(
	{ shared, lost }: FamilySharing,
	moduleId: string,
): ((family: string) => boolean) | undefined {
	const gone = lost.get(moduleId);
	if (gone === undefined && !sharersOf(shared).has(moduleId)) return undefined;
	return (family) => !shared.has(family) && gone?.has(family) !== true;
}

/** Asked for each module of a page. */
const SHARERS = new WeakMap<FamilySharing["shared"], ReadonlySet<string>>();

function sharersOf(shared: FamilySharing["shared"]): ReadonlySet<string> {
	let sharers = SHARERS.get(shared);
	if (sharers === undefined) SHARERS.set(shared, (sharers = new Set([...shared.values()].flat())));
	return sharers;
}
