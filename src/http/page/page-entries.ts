import type { HostConfig } from "../../config/config.ts";
import type { Host } from "../../host/host.ts";
import type { Catalog } from "../../mcp/catalog/catalog.ts";
import { moduleDetail } from "./module-detail.ts";
import { moduleData, type ModuleSources, usageData } from "./module-entries.ts";
import type { ModuleLives } from "./module-lives.ts";
import { type HostData, MODULE, type PageEntries, USAGE } from "./view/page-data.ts";

export interface PageSources extends ModuleSources {
	readonly host: Pick<Host, "modules" | "module" | "refused">;
	readonly catalog: ModuleSources["catalog"] & Pick<Catalog, "list" | "keyOf">;
	readonly lives: Pick<ModuleLives, "of">;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly config: Pick<HostConfig, "publicUrl" | "collectIntervalMs">;
	/** Milliseconds since the epoch. */
	readonly startedAt: number;
}

/** The topic of the list; that of a module's page is its id. */
export const OVERVIEW = "";

/** What the pages of a topic show now. */
export function readEntries(topic: string, sources: PageSources): PageEntries {
	const { host, catalog, lives } = sources;
	if (topic === OVERVIEW) {
		const modules = host.modules();
		return {
			host: hostData(sources),
			ignored: host.refused(),
			...Object.fromEntries(modules.map((status) => [MODULE + status.id, moduleData(status, sources)])),
			...Object.fromEntries(modules.map((status) => [USAGE + status.id, usageData(status, sources)])),
		};
	}
	const status = host.module(topic);
	if (status === undefined) return { host: hostData(sources) };
	return {
		host: hostData(sources),
		[MODULE + topic]: moduleData(status, sources),
		[USAGE + topic]: usageData(status, sources),
		detail: moduleDetail(topic, status.policy, catalog),
		life: lives.of(topic),
	};
}

function hostData({ serverInfo, config, startedAt }: PageSources): HostData {
	return {
		...serverInfo,
		started_at: new Date(startedAt).toISOString(),
		public_url: config.publicUrl ?? null,
		interval_ms: config.collectIntervalMs,
	};
}
