/**
 * What the page is made of: plain data, which the host writes as HTML and the browser turns into elements. No text can
 * become markup on either way, whoever wrote it: the one escapes it, the other makes text nodes.
 */
export interface PageNode {
	readonly tag: string;
	readonly attributes: Attributes;
	readonly children: readonly PageChild[];
}

export type PageChild = PageNode | string;

/**
 * `true` is an attribute without a value; one that is `false` or undefined is left out. `data-key` names a node among its
 * siblings; what is inside of a node with `data-own` belongs to the browser once it is there.
 */
export type Attributes = Readonly<Partial<Record<AttributeName, string | number | boolean | undefined>>>;

/** A closed list: no handler, no style, and no attribute that a module could name. */
type AttributeName = (typeof ATTRIBUTES)[number] | `aria-${string}` | `data-${string}`;
const ATTRIBUTES = [
	"autocomplete",
	"class",
	"cols",
	"content",
	"d",
	"disabled",
	"for",
	"height",
	"href",
	"id",
	"inputmode",
	"lang",
	"method",
	"name",
	"novalidate",
	"open",
	"placeholder",
	"points",
	"preserveAspectRatio",
	"required",
	"role",
	"rows",
	"scope",
	"selected",
	"spellcheck",
	"tabindex",
	"title",
	"type",
	"value",
	"viewBox",
	"width",
] as const;

type Given = PageChild | number | undefined | false | readonly Given[];

/** @param given numbers become text; what is undefined or false is left out */
export function node(tag: string, attributes: Attributes = {}, ...given: readonly Given[]): PageNode {
	const children: PageChild[] = [];
	for (const child of flatten(given)) {
		const last = children.at(-1);
		// A parser reads texts that follow each other as one.
		if (typeof child === "string" && typeof last === "string") children[children.length - 1] = last + child;
		else if (child !== "") children.push(child);
	}
	return { tag, attributes, children };
}

function flatten(given: readonly Given[]): PageChild[] {
	return given.flatMap((each) => {
		if (each === undefined || each === false) return [];
		if (typeof each === "number") return [String(each)];
		return typeof each === "string" || "tag" in each ? [each] : flatten(each);
	});
}

export function toHtml(child: PageChild): string {
	if (typeof child === "string") return escapeHtml(child);
	const { tag, attributes, children } = child;
	const written = Object.entries(attributes).map(([name, value]) => {
		if (value === undefined || value === false) return "";
		return value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`;
	});
	const start = `<${tag}${written.join("")}>`;
	return VOID.has(tag) ? start : `${start}${children.map(toHtml).join("")}</${tag}>`;
}

const VOID: ReadonlySet<string> = new Set(["input", "br", "meta", "link"]);

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
