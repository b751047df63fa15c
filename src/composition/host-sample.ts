import type { Host } from "../host/host.ts";
import type { Gateway } from "../mcp/calls/gateway.ts";
import type { Collector } from "../metrics/collector.ts";
import type { MachineUsage } from "../metrics/self/machine-usage.ts";
import type { HostSample } from "../metrics/self/sampled-gauges.ts";

export interface HostSampleOptions {
	readonly host: Pick<Host, "modules" | "usage">;
	readonly gateway: Pick<Gateway, "load">;
	readonly collector: Pick<Collector, "isCollecting">;
	readonly machine: MachineUsage;
}

/** What the host, its modules and the machine are at now. The host's own thread is the server `host`: no module has that id. */
export function sampleHost({ host, gateway, collector, machine }: HostSampleOptions): HostSample {
	const modules = host.modules().map(({ id, usage }) => {
		const { waiting, running } = gateway.load(id);
		const work = { pending: waiting, running: running + (collector.isCollecting(id) ? 1 : 0) };
		return { serverId: id, work, ...(usage !== undefined && { usage }) };
	});
	return {
		servers: [...modules, { serverId: "host", usage: host.usage() }],
		cpuRatio: machine.cpuRatio(),
		memoryRatio: machine.memoryRatio(),
	};
}
