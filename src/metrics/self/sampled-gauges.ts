import type { MemoryBytes } from "../../host/worker/worker.ts";
import type { HostFamilies, HostGauge } from "./instruments.ts";
import { type CheckedSource, REFRESH_MS } from "./host-source.ts";

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
	readonly usage?: {
		readonly memoryBytes: MemoryBytes;
		readonly eventLoopUtilization: number;
		/** Processor time of the worker that runs now, in seconds; undefined where that is not known. */
		readonly cpuSeconds?: number | undefined;
	};
}

interface GaugeSample extends HostSample {
	readonly uptimeSeconds: number;
}

/**
 * The gauges whose values are read. One source a family, so that those whose values are what they were a second ago are
 * not written again.
 *
 * @param families of their own: all that are in it are read
 * @param sample must not throw; called once a second at most, and for all families and formats of that second
 */
export function sampledGauges(
	families: HostFamilies,
	sample: () => GaugeSample,
	now: () => number,
): readonly CheckedSource[] {
	const record = recorder(families);
	let taken: number | undefined;
	const refresh = (): void => {
		const second = Math.floor(now() / REFRESH_MS);
		if (taken === second) return;
		record(sample());
		taken = second;
	};
	return families.sources.map((source) => ({
		...source,
		version() {
			refresh();
			return source.version();
		},
	}));
}

function recorder(families: HostFamilies): (sample: GaugeSample) => void {
	const { gauge } = families;
	const noteCpu = cpuRecorder(families);
	const pending = gauge("mcp_tasks_pending", "Calls that wait for their turn in a module.", ["server_id"]);
	const running = gauge("mcp_tasks_running", "Calls and collections that a module is at work on.", ["server_id"]);
	const memory = gauge("mcp_memory_usage_bytes", "Memory that a module's worker, or the host's own thread, holds.", [
		"type",
		"server_id",
	]);
	const utilization = gauge("mcp_event_loop_utilization_ratio", "Share of time that an event loop was busy of late.", [
		"server_id",
	]);
	const cpu = gauge("mcp_system_cpu_usage_ratio", "Share of the machine's processor time in use.");
	const machineMemory = gauge(
		"mcp_system_memory_usage_ratio",
		"Share of the machine's memory, or of the container's, in use.",
	);
	const uptime = gauge("mcp_uptime_seconds", "Time since the host started.");

	return ({ servers, cpuRatio, memoryRatio, uptimeSeconds }) => {
		replaceByServer(pending, servers, ({ work }) => work?.pending);
		replaceByServer(running, servers, ({ work }) => work?.running);
		memory.replace(
			servers.flatMap(({ serverId, usage }) =>
				Object.entries(usage?.memoryBytes ?? {}).map(
					([type, value]) => [{ type, server_id: serverId }, value] as const,
				),
			),
		);
		replaceByServer(utilization, servers, ({ usage }) => usage?.eventLoopUtilization);
		noteCpu(servers);
		cpu.set({}, cpuRatio);
		machineMemory.set({}, memoryRatio);
		uptime.set({}, uptimeSeconds);
	};
}

/** Adds up what the workers of a module have taken, one after the other. */
function cpuRecorder({ counter, removeSeries }: HostFamilies): (servers: HostSample["servers"]) => void {
	const seconds = counter("mcp_module_cpu_seconds_total", "Processor time that a module's workers have taken.", [
		"server_id",
	]);
	const last = new Map<string, number>();
	return (servers) => {
		for (const { serverId, usage } of servers) {
			const now = usage?.cpuSeconds;
			if (now === undefined) continue;
			const before = last.get(serverId) ?? 0;
			seconds.inc({ server_id: serverId }, now >= before ? now - before : now); // less than before: another worker
			last.set(serverId, now);
		}
		const present = new Set(servers.map(({ serverId }) => serverId));
		for (const id of last.keys()) {
			if (present.has(id)) continue;
			last.delete(id);
			removeSeries(["server_id"], id);
		}
	};
}

/** One series for each server that has the value. */
function replaceByServer(
	gauge: HostGauge<"server_id">,
	servers: HostSample["servers"],
	valueOf: (server: ServerSample) => number | undefined,
): void {
	gauge.replace(
		servers.flatMap((server) => {
			const value = valueOf(server);
			return value === undefined ? [] : [[{ server_id: server.serverId }, value] as const];
		}),
	);
}
