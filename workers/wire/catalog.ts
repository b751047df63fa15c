import { isRecord, isText, parseJson } from "./json.ts";

/** What a module offers, once per protocol era since tools are listed differently in the two. */
export type CatalogDto = Readonly<Record<Era, EraCatalogDto>> & {
	/** Whether the module declares the tasks extension. */
	readonly tasks?: boolean;
	/** What it has registered and the SDK cannot list. */
	readonly unlisted?: readonly UnlistedDto[];
};
/** Something that a module has registered and that is in none of its lists, with the reason. */
export interface UnlistedDto {
	readonly list: ListName;
	/** Empty where it cannot be told which one of the list it is. */
	readonly name: string;
	/** The property of its schema that is at fault, dotted; empty where there is none. */
	readonly path: string;
	readonly message: string;
}
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
/** Parses a catalog's text. Entries are objects, and nothing more is known of them. */
export function readCatalog(json: string): CatalogDto | undefined {
	const parsed = parseJson(json);
	if (!isRecord(parsed)) return undefined;
	return {
		legacy: readEraCatalog(parsed["legacy"]),
		modern: readEraCatalog(parsed["modern"]),
		tasks: parsed["tasks"] === true,
		unlisted: readUnlisted(parsed["unlisted"]),
	};
}

/** The first of what a module has listed before and cannot list now, though it has registered it. */
export function firstVanished(before: CatalogDto, now: CatalogDto): UnlistedDto | undefined {
	const wasListed = ({ list, name }: UnlistedDto): boolean =>
		ERAS.some((era) => before[era][list].some((entry) => entry[LIST_KEYS[list]] === name));
	return now.unlisted?.find(wasListed);
}

/** For a sentence. */
export function describeUnlisted({ list, name, path, message }: UnlistedDto): string {
	const what = name === "" ? `one of its ${list}` : `${list} ${JSON.stringify(name)}`;
	return `${what}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** Most of what cannot be listed that a module says. */
export const MAX_UNLISTED = 100;
/** Longest `path` and `message` of what cannot be listed, in characters. */
const MAX_REASON_LENGTH = 1000;

function readUnlisted(value: unknown): readonly UnlistedDto[] {
	if (!Array.isArray(value)) return [];
	return value.slice(0, MAX_UNLISTED).flatMap((each: unknown) => {
		if (!isRecord(each)) return [];
		const list = LIST_NAMES.find((known) => known === each["list"]);
		const text = (key: keyof UnlistedDto, max: number): string => {
			const said = each[key];
			return typeof said === "string" ? said.slice(0, max).toWellFormed() : "";
		};
		if (list === undefined) return [];
		return [
			{
				list,
				name: text("name", MAX_KEY_LENGTH),
				path: text("path", MAX_REASON_LENGTH),
				message: text("message", MAX_REASON_LENGTH),
			},
		];
	});
}

/** The field that identifies an entry of each list. */
export const LIST_KEYS = {
	tools: "name",
	prompts: "name",
	resources: "uri",
	resourceTemplates: "uriTemplate",
} as const satisfies Record<ListName, string>;

function readEraCatalog(value: unknown): EraCatalogDto {
	const list = (name: ListName): readonly ListedDto[] => readEntries(isRecord(value) ? value[name] : undefined);
	return {
		tools: list("tools"),
		prompts: list("prompts"),
		resources: list("resources"),
		resourceTemplates: list("resourceTemplates"),
	};
}

/** Entries of one list, as far as they are objects. */
export function readEntries(value: unknown): readonly ListedDto[] {
	return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Longest name or URI, in characters. It is well-formed Unicode as well: it becomes a label on the metrics page. */
export const MAX_KEY_LENGTH = 1024;

export function isKey(value: unknown): value is string {
	return isText(value, MAX_KEY_LENGTH) && value.length > 0 && value.isWellFormed();
}

export type Era = "legacy" | "modern";
export const ERAS = ["legacy", "modern"] as const satisfies readonly Era[];
