import type { NameOwnership } from "./name-ownership.ts";

/** Finds the modules of a URI as clients write it. */
export interface ResourceLookup {
	/** The module that lists the resource: under this very spelling, or else under one that URL parsing makes the same of. */
	owner(uri: string): string | undefined;
	/** Modules with a template that may match, in the order in which they came to own it: a later one takes nothing away. */
	templateOwners(uri: string): readonly string[];
	/** The URI as it is, as URL parsing has it, and as it is listed. */
	spellings(uri: string): readonly string[];
	/** Owners have changed. */
	changed(): void;
}

export function createResourceLookup(ownership: Pick<NameOwnership, "owner" | "owners">): ResourceLookup {
	/** By what URL parsing makes of them, the listed URIs of which it makes something else. Made when it is first needed. */
	let respelt: ReadonlyMap<string, readonly string[]> | undefined;

	function listedAs(href: string): readonly string[] {
		respelt ??= Map.groupBy(respeltNames(ownership.owners("resources")), (name) => hrefOf(name) ?? name);
		return respelt.get(href) ?? [];
	}

	return {
		owner(uri) {
			const exact = ownership.owner("resources", uri);
			const href = exact === undefined ? hrefOf(uri) : undefined;
			if (href === undefined) return exact;
			const [other] = listedAs(href);
			return (
				ownership.owner("resources", href) ?? (other === undefined ? undefined : ownership.owner("resources", other))
			);
		},
		templateOwners(uri) {
			const wanted = folded(uri);
			const matching = [...ownership.owners("resourceTemplates")].filter(([template]) =>
				wanted.startsWith(folded(template.split("{", 1)[0] ?? "")),
			);
			return [...new Set(matching.map(([, owner]) => owner))];
		},
		spellings(uri) {
			const href = hrefOf(uri);
			return href === undefined ? [uri] : [...new Set([uri, href, ...listedAs(href)])];
		},
		changed() {
			respelt = undefined;
		},
	};
}

function* respeltNames(owners: Iterable<readonly [name: string, owner: string]>): Iterable<string> {
	for (const [name] of owners) {
		const href = hrefOf(name);
		if (href !== undefined && href !== name) yield name;
	}
}

function hrefOf(uri: string): string | undefined {
	return URL.parse(uri)?.href;
}

/** The same for all spellings of a beginning. That it is the same for others too costs a question to their module. */
function folded(text: string): string {
	try {
		return decodeURIComponent(text).toLowerCase();
	} catch {
		return text.toLowerCase();
	}
}
