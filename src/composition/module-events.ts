import type { OnHostEvent } from "../host/host-events.ts";
import type { ModuleLog } from "../logging/module-log.ts";
import type { Gateway } from "../mcp/calls/gateway.ts";
import type { Startup } from "../mcp/calls/startup.ts";
import type { Catalog } from "../mcp/catalog/catalog.ts";
import type { McpEndpoint } from "../mcp/endpoint.ts";
import type { Collector } from "../metrics/collector.ts";
import type { CatalogUpdates } from "./catalog-updates.ts";
import type { Instrumentation } from "./instrumentation.ts";

export interface ModuleEventsOptions {
	/** Undefined where modules are not collected. */
	readonly collector: Collector | undefined;
	readonly gateway: Pick<Gateway, "removed">;
	readonly mcp: Pick<McpEndpoint, "resourceUpdated" | "pushed" | "taskChanged">;
	readonly updates: CatalogUpdates;
	readonly catalog: Pick<Catalog, "spellings">;
	readonly startup: Pick<Startup, "added" | "tried">;
	readonly moduleLog: Pick<ModuleLog, "forget">;
	readonly instrumentation: Pick<Instrumentation, "module">;
	/** The pages show what a module has been through. */
	readonly page: { heard: OnHostEvent };
}

/** Who hears of what happens to a module. It is counted last: the series of a module that is gone go behind all others. */
export function createModuleEvents(parts: ModuleEventsOptions): OnHostEvent {
	const { collector, gateway, catalog, mcp, updates, startup, moduleLog, instrumentation, page } = parts;

	const hear: OnHostEvent = (id, event) => {
		switch (event.type) {
			case "added":
				startup.added(id);
				return updates.added(id);
			case "entered":
				if (event.state === "disabled") updates.disabled(id);
				if (event.state !== "idle" && event.state !== "starting") startup.tried(id); // however its first start went
				return;
			case "serving":
				collector?.serving(id, event.started);
				return updates.serving(id, event.catalog);
			case "catalogChanged":
				return updates.relisted(id, event.catalog);
			case "updated":
				for (const spelling of catalog.spellings(event.uri)) mcp.resourceUpdated(spelling, id);
				return;
			case "pushed":
				return mcp.pushed(id, event.session, event.json);
			case "taskChanged":
				return mcp.taskChanged(id, event.taskId);
			case "removed":
				collector?.removed(id, event.heirs);
				gateway.removed(id);
				updates.removed(id, event.heirs);
				moduleLog.forget(id);
				return startup.tried(id);
			default:
				return;
		}
	};

	return (id, event) => {
		hear(id, event);
		page.heard(id, event);
		instrumentation.module(id, event);
	};
}
