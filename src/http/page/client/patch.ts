import type { Attributes, PageChild, PageNode } from "../view/node.ts";

/**
 * Makes the children of an element what is wanted, changing as little as there is to change: the focus, a selection, an
 * open `details` and what was typed stay. Texts become text nodes, whatever is in them.
 */
export function patchChildren(parent: Element, wanted: readonly PageChild[]): void {
	const keyed = new Map<string, Element>();
	for (const child of parent.children) {
		const key = child.getAttribute("data-key");
		if (key !== null) keyed.set(key, child);
	}
	let place: ChildNode | null = parent.firstChild;
	for (const child of wanted) {
		const found = matching(place, child, keyed);
		const made = found ?? create(child);
		if (made === place) place = place.nextSibling;
		else parent.insertBefore(made, place);
		if (found !== undefined) update(found, child);
	}
	while (place !== null) {
		const next: ChildNode | null = place.nextSibling;
		place.remove();
		place = next;
	}
}

function matching(
	place: ChildNode | null,
	child: PageChild,
	keyed: ReadonlyMap<string, Element>,
): ChildNode | undefined {
	if (typeof child === "string") return place instanceof Text ? place : undefined;
	const key = child.attributes["data-key"];
	if (key !== undefined) {
		const kept = keyed.get(String(key));
		return kept?.localName === child.tag ? kept : undefined;
	}
	if (!(place instanceof Element) || place.hasAttribute("data-key")) return undefined;
	return place.localName === child.tag ? place : undefined;
}

function create(child: PageChild, isInSvg = false): ChildNode {
	if (typeof child === "string") return document.createTextNode(child);
	const isSvg = isInSvg || child.tag === "svg";
	const element = isSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
	for (const [name, value] of entriesOf(child.attributes)) element.setAttribute(name, value);
	for (const inner of child.children) element.append(create(inner, isSvg));
	return element;
}

const SVG = "http://www.w3.org/2000/svg";

function update(existing: ChildNode, child: PageChild): void {
	if (typeof child === "string") {
		if (existing.nodeValue !== child) existing.nodeValue = child;
	} else if (existing instanceof Element) updateElement(existing, child);
}

function updateElement(element: Element, { attributes, children }: PageNode): void {
	const wanted = new Map(entriesOf(attributes));
	for (const [name, value] of wanted) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
	for (const name of element.getAttributeNames()) {
		if (!wanted.has(name) && !BROWSERS_OWN.has(name)) element.removeAttribute(name);
	}
	if (!wanted.has("data-own")) patchChildren(element, children);
}

/** The viewer opens and closes these. */
const BROWSERS_OWN: ReadonlySet<string> = new Set(["open"]);

function entriesOf(attributes: Attributes): [string, string][] {
	return Object.entries(attributes).flatMap(([name, value]): [string, string][] =>
		value === undefined || value === false ? [] : [[name, value === true ? "" : String(value)]],
	);
}
