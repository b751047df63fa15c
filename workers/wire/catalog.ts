import { isRecord, isText, parseJson } from "./json.ts";

/** What a module offers, once per protocol era since tools are listed differently in the two. */
export type CatalogDto = Readonly<Record<Era, EraCatalogDto>> & {
	/** Whether the module declares the tasks extension. */
	readonly tasks?: boolean;
};
export interface EraCatalogDto {
	readonly tools: readonly ListedDto[];
	readonly prompts: readonly ListedDto[];
	readonly resources: readonly ListedDto[];
	readonly resourceTemplates: readonly ListedDto[];
}
/** One entry of a list, as the client will see it. */
export type ListedDto = Readonly<Record<string, unknown>>;
export type ListName = keyof EraCatalogDto;
export const LIST_NAMES = ["tools", "prompts", "resources", "resourceTemplates"] as const satisfies readonly ListName[];

/** Longest catalog, in characters of JSON, that a module may offer. */
export const MAX_CATALOG_LENGTH = 1 << 20;
/** Parses a catalog's text. Entries are kept as they are, save those without the name or URI that identifies them. */
export function readCatalog(json: string): CatalogDto | undefined {
	const parsed = parseJson(json);
	if (!isRecord(parsed)) return undefined;
	return {
		legacy: readEraCatalog(parsed["legacy"]),
		modern: readEraCatalog(parsed["modern"]),
		tasks: parsed["tasks"] === true,
	};
}

/** The field that identifies an entry of each list. */
export const LIST_KEYS = {
	tools: "name",
	prompts: "name",
	resources: "uri",
	resourceTemplates: "uriTemplate",
} as const satisfies Record<ListName, string>;

function readEraCatalog(value: unknown): EraCatalogDto {
	const list = (name: ListName): readonly ListedDto[] => readEntries(name, isRecord(value) ? value[name] : undefined);
	return {
		tools: list("tools"),
		prompts: list("prompts"),
		resources: list("resources"),
		resourceTemplates: list("resourceTemplates"),
	};
}

/** Entries of one list, without those that have no name or URI. */
export function readEntries(list: ListName, value: unknown): readonly ListedDto[] {
	if (!Array.isArray(value)) return [];
	return value.filter((entry): entry is ListedDto => isRecord(entry) && isKey(entry[LIST_KEYS[list]]));
}

/** Longest name or URI, in characters. It is well-formed Unicode as well: it becomes a label on the metrics page. */
export const MAX_KEY_LENGTH = 1024;

function isKey(value: unknown): value is string {
	return isText(value, MAX_KEY_LENGTH) && value.length > 0 && value.isWellFormed();
}

export type Era = "legacy" | "modern";
export const ERAS = ["legacy", "modern"] as const satisfies readonly Era[];
