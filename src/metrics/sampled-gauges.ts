import type { MemoryBytes } from "../host/module-worker.ts";
import type { HostFamily, HostSource } from "./host-source.ts";

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

/** What changes all the time is read at most this often. */
export const REFRESH_MS = 1000;

/**
 * One source a family, so that those whose values are what they were a second ago are not written again.
 *
 * @param sample must not throw; called once a second at most, and for all families and formats of that second
 */
export function sampledGauges(sample: () => HostSample, now: () => number): readonly HostSource[] {
	let taken: { readonly second: number; readonly sample: HostSample } | undefined;
	const current = (): HostSample => {
		const second = Math.floor(now() / REFRESH_MS);
		if (taken?.second !== second) taken = { second, sample: sample() };
		return taken.sample;
	};
	return GAUGES.map((gauge) => sourceOf(gauge, current));
}

function sourceOf({ name, help, values }: SampledGauge, current: () => HostSample): HostSource {
	let seen: HostSample | undefined;
	let shown: { readonly version: number; readonly text: string; readonly values: Values } | undefined;
	const refresh = (): { readonly version: number; readonly values: Values } => {
		const sample = current();
		if (shown !== undefined && seen === sample) return shown;
		seen = sample;
		const fresh = values(sample);
		const text = JSON.stringify(fresh);
		if (shown?.text !== text) shown = { version: (shown?.version ?? 0) + 1, text, values: fresh };
		return shown;
	};
	return {
		families: [{ name, type: "gauge" }],
		version: () => refresh().version,
		read: async () => [{ name, help, type: "gauge", values: refresh().values }],
	};
}

type Values = HostFamily["values"];

interface SampledGauge {
	readonly name: string;
	readonly help: string;
	values(sample: HostSample): Values;
}

const GAUGES: readonly SampledGauge[] = [
	{
		name: "mcp_tasks_pending",
		help: "Calls that wait for their turn in a module.",
		values: ({ servers }) => perServer(servers, ({ work }) => work?.pending),
	},
	{
		name: "mcp_tasks_running",
		help: "Calls and collections that a module is at work on.",
		values: ({ servers }) => perServer(servers, ({ work }) => work?.running),
	},
	{
		name: "mcp_memory_usage_bytes",
		help: "Memory that a module's worker, or the host's own thread, holds.",
		values: ({ servers }) =>
			servers.flatMap(({ serverId, usage }) =>
				Object.entries(usage?.memoryBytes ?? {}).map(([type, value]) => ({
					labels: { type, server_id: serverId },
					value,
				})),
			),
	},
	{
		name: "mcp_event_loop_utilization_ratio",
		help: "Share of time that an event loop was busy of late.",
		values: ({ servers }) => perServer(servers, ({ usage }) => usage?.eventLoopUtilization),
	},
	{
		name: "mcp_system_cpu_usage_ratio",
		help: "Share of the machine's processor time in use.",
		values: ({ cpuRatio }) => [{ labels: {}, value: cpuRatio }],
	},
	{
		name: "mcp_system_memory_usage_ratio",
		help: "Share of the machine's memory, or of the container's, in use.",
		values: ({ memoryRatio }) => [{ labels: {}, value: memoryRatio }],
	},
];

function perServer(servers: HostSample["servers"], valueOf: (server: ServerSample) => number | undefined): Values {
	return servers.flatMap((server) => {
		const value = valueOf(server);
		return value === undefined ? [] : [{ labels: { server_id: server.serverId }, value }];
	});
}
