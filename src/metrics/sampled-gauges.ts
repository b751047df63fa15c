import type { MemoryBytes } from "../host/module-worker.ts";
import type { ValueSeries } from "./checked-family.ts";
import type { CheckedSource } from "./host-source.ts";
import { labelsText } from "./label-set.ts";

/** What is read when it is scraped, instead of being noted whenever it changes. */
export interface HostSample {
	/** Of the modules there are, and of the host itself. */
	readonly servers: readonly ServerSample[];
	readonly cpuRatio: number;
	readonly memoryRatio: number;
}

export interface ServerSample {
	readonly serverId: string;
	/** Calls and collections that wait for their turn, and that its worker has been given. */
	readonly work?: { readonly pending: number; readonly running: number };
	/** Of its worker, where there is one. */
	readonly usage?: { readonly memoryBytes: MemoryBytes; readonly eventLoopUtilization: number };
}

interface GaugeSample extends HostSample {
	readonly uptimeSeconds: number;
}

/** What changes all the time is read at most this often. */
export const REFRESH_MS = 1000;

/**
 * One source a family, so that those whose values are what they were a second ago are not written again.
 *
 * @param sample must not throw; called once a second at most, and for all families and formats of that second
 */
export function sampledGauges(sample: () => GaugeSample, now: () => number): readonly CheckedSource[] {
	let taken: { readonly second: number; readonly sample: GaugeSample } | undefined;
	const current = (): GaugeSample => {
		const second = Math.floor(now() / REFRESH_MS);
		if (taken?.second !== second) taken = { second, sample: sample() };
		return taken.sample;
	};
	return GAUGES.map((gauge) => sourceOf(gauge, current));
}

function sourceOf({ name, help, seriesOf }: SampledGauge, current: () => GaugeSample): CheckedSource {
	let seen: GaugeSample | undefined;
	let shown: { readonly version: number; readonly text: string; readonly series: ValueSeries[] } | undefined;
	const refresh = (): { readonly version: number; readonly series: ValueSeries[] } => {
		const sample = current();
		if (shown !== undefined && seen === sample) return shown;
		seen = sample;
		const series = seriesOf(sample);
		const text = JSON.stringify(series);
		if (shown?.text !== text) shown = { version: (shown?.version ?? 0) + 1, text, series };
		return shown;
	};
	return {
		families: [{ name, type: "gauge" }],
		version: () => refresh().version,
		checked: () => [{ name, help, type: "gauge", series: refresh().series }],
	};
}

interface SampledGauge {
	readonly name: string;
	readonly help: string;
	seriesOf(sample: GaugeSample): ValueSeries[];
}

const GAUGES: readonly SampledGauge[] = [
	{
		name: "mcp_tasks_pending",
		help: "Calls that wait for their turn in a module.",
		seriesOf: ({ servers }) => perServer(servers, ({ work }) => work?.pending),
	},
	{
		name: "mcp_tasks_running",
		help: "Calls and collections that a module is at work on.",
		seriesOf: ({ servers }) => perServer(servers, ({ work }) => work?.running),
	},
	{
		name: "mcp_memory_usage_bytes",
		help: "Memory that a module's worker, or the host's own thread, holds.",
		seriesOf: ({ servers }) =>
			servers.flatMap(({ serverId, usage }) =>
				Object.entries(usage?.memoryBytes ?? {}).map(([type, value]) => sampled({ type, server_id: serverId }, value)),
			),
	},
	{
		name: "mcp_event_loop_utilization_ratio",
		help: "Share of time that an event loop was busy of late.",
		seriesOf: ({ servers }) => perServer(servers, ({ usage }) => usage?.eventLoopUtilization),
	},
	{
		name: "mcp_system_cpu_usage_ratio",
		help: "Share of the machine's processor time in use.",
		seriesOf: ({ cpuRatio }) => [sampled({}, cpuRatio)],
	},
	{
		name: "mcp_system_memory_usage_ratio",
		help: "Share of the machine's memory, or of the container's, in use.",
		seriesOf: ({ memoryRatio }) => [sampled({}, memoryRatio)],
	},
	{
		name: "mcp_uptime_seconds",
		help: "Time since the host started.",
		seriesOf: ({ uptimeSeconds }) => [sampled({}, uptimeSeconds)],
	},
];

function perServer(
	servers: HostSample["servers"],
	valueOf: (server: ServerSample) => number | undefined,
): ValueSeries[] {
	return servers.flatMap((server) => {
		const value = valueOf(server);
		return value === undefined ? [] : [sampled({ server_id: server.serverId }, value)];
	});
}

function sampled(labels: Readonly<Record<string, string>>, value: number): ValueSeries {
	return { labels: labelsText(labels), value, exemplar: undefined };
}
