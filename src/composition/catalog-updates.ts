import type { CatalogDto } from "../../workers/wire/catalog.ts";
import type { Catalog } from "../mcp/catalog/catalog.ts";
import type { McpEndpoint } from "../mcp/endpoint.ts";
import type { Instrumentation } from "./instrumentation.ts";

/** Keeps the catalog what the modules say, and has clients and the host's own metrics hear of each change. */
export interface CatalogUpdates {
	added(moduleId: string): void;
	/** A generation serves; `offered` is undefined where it has no MCP server. */
	serving(moduleId: string, offered: CatalogDto | undefined): void;
	relisted(moduleId: string, offered: CatalogDto): void;
	/** It offers nothing for as long as its operator says so. */
	disabled(moduleId: string): void;
	/** @param heirs modules that came as it went */
	removed(moduleId: string, heirs: readonly string[]): void;
	/** The time for which names were kept for a module that is gone is over. */
	lapsed(lists: ReturnType<Catalog["set"]>): void;
	/** Every module has started once, or has failed to: names of modules that are not there are free. */
	sealed(moduleIds: readonly string[]): void;
}

export interface CatalogUpdatesOptions {
	readonly catalog: Catalog;
	readonly mcp: Pick<McpEndpoint, "listsChanged" | "serving">;
	readonly instrumentation: Pick<Instrumentation, "toolsGone" | "offers">;
}

export function createCatalogUpdates({ catalog, mcp, instrumentation }: CatalogUpdatesOptions): CatalogUpdates {
	const present = new Set<string>();
	let toolNames: ReadonlySet<string> = new Set();

	function changed(lists: ReturnType<Catalog["set"]>): void {
		if (lists.size > 0) mcp.listsChanged(lists);
		const previous = toolNames;
		toolNames = new Set(catalog.list("tools", "modern").map((tool) => String(tool["name"])));
		instrumentation.toolsGone([...previous].filter((name) => !toolNames.has(name)));
		// A name that one module gives up may go to another, so the numbers of all may have changed.
		for (const id of present) if (id.startsWith("mcps/")) instrumentation.offers(id, catalog.counts(id));
	}

	return {
		added: (id) => void present.add(id),
		serving(id, offered) {
			if (offered !== undefined) changed(catalog.set(id, offered));
			mcp.serving(id);
		},
		relisted: (id, offered) => changed(catalog.relist(id, offered)),
		disabled: (id) => changed(catalog.remove(id)),
		removed(id, heirs) {
			present.delete(id);
			changed(catalog.depart(id, heirs));
		},
		lapsed: changed,
		sealed: (moduleIds) => changed(catalog.seal(moduleIds)),
	};
}
