import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { HostConfig } from "../../config/config.ts";
import { hostApi, type HostApi } from "../host/host-api.ts";
import type { ModulesView, ModuleView, ToolView } from "../host/views.ts";
import { wrongUsage } from "../host/failure.ts";
import { checkedModule, type CheckReport } from "./report.ts";

export interface CheckRun {
	/** Of a host that has started its modules. */
	readonly url: string;
	readonly config: HostConfig;
	/** Ids, names or files of the modules that are meant; empty: all. */
	readonly only: readonly string[];
}

/** Waits until each module has been collected once, and asks the host what it has to say of it. */
export async function collectReport({ url, config, only }: CheckRun): Promise<CheckReport> {
	const api = hostApi({ url, token: undefined });
	// Whatever is collected at a scrape alone is collected now.
	await api.open("/metrics").then((response) => response.arrayBuffer());
	const { modules, ignored } = await collected(api, config.collectTimeoutMs + SLACK_MS);
	const root = path.dirname(config.metricsDir);
	const chosen = only.length === 0 ? modules : modules.filter(({ id, file }) => only.some((it) => names(it, id, file)));
	const said = only.length === 0 ? ignored : ignored.filter(({ file }) => only.some((it) => names(it, "", file)));
	const missing = only.find(
		(it) => !modules.some(({ id, file }) => names(it, id, file)) && !ignored.some(({ file }) => names(it, "", file)),
	);
	if (missing !== undefined) {
		const ids = modules.map(({ id }) => id).join(", ");
		throw wrongUsage(`there is no module ${missing} in ${config.metricsDir} and ${config.mcpsDir}; there are: ${ids}`);
	}
	const { tools } = await api.get<{ tools: readonly ToolView[] }>("/api/tools");
	const checked = await Promise.all(
		chosen.map(async (module) =>
			checkedModule(module, {
				source: await readFile(path.resolve(root, module.file), "utf8").catch(() => ""),
				page: await pageOf(api, module.id),
				tools: tools.filter((tool) => tool.module === module.id),
			}),
		),
	);
	return {
		modules: checked,
		ignored: said.map(({ file, problem }) => ({ rule: "ignored", severity: "error", file, message: problem })),
	};
}

const SLACK_MS = 2000;
const POLL_MS = 50;

async function collected(api: HostApi, withinMs: number): Promise<ModulesView> {
	const until = performance.now() + withinMs;
	for (;;) {
		const view = await api.get<ModulesView>("/api/modules");
		if (performance.now() > until || !view.modules.some(isToCome)) return view;
		await delay(POLL_MS);
	}
}

function isToCome({ id, state, collection, policy }: ModuleView): boolean {
	if (!policy.enabled) return false;
	if (state === "starting" || state === "idle") return true;
	return id.startsWith("metrics/") && (state === "running" || state === "degraded") && collection === null;
}

async function pageOf(api: HostApi, id: string): Promise<string> {
	const [kind, name = ""] = id.split("/");
	if (kind !== "metrics") return "";
	const response = await api.open(`/metrics/${encodeURIComponent(name)}`, {}, () => true);
	return response.ok ? response.text() : "";
}

/** `metrics/disk`, `disk`, `metrics/disk.ts`, `./metrics/disk.ts` */
function names(text: string, id: string, file: string): boolean {
	const plain = path.normalize(text).replaceAll(path.sep, "/");
	return plain === id || plain === file || id.endsWith(`/${plain}`) || plain.endsWith(`/${file}`);
}
