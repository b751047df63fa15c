import { SEES_ALL, type Visibility } from "../../auth/principal.ts";
import type { ListedDto, ListName } from "../../../workers/wire/catalog.ts";
import type { CatalogKey } from "./catalog-key.ts";

/** The entries of a list that a principal may use; the list itself where that is all. */
export function visibleEntries(
	sees: Visibility = SEES_ALL,
	list: ListName,
	entries: readonly ListedDto[],
	keyOf: (entry: ListedDto) => CatalogKey,
): readonly ListedDto[] {
	if (sees.all) return entries;
	return entries.filter((entry) => {
		const { moduleId, name } = keyOf(entry);
		return sees.entry(list, name, moduleId);
	});
}
