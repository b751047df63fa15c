/** What the lists are sorted by: the module, then the name or URI. */
export interface CatalogKey {
	readonly moduleId: string;
	readonly name: string;
}

export function compareKeys(a: CatalogKey, b: CatalogKey): number {
	return compareText(a.moduleId, b.moduleId) || compareText(a.name, b.name);
}

/** By code unit: the same on every machine, whatever its language. */
function compareText(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
