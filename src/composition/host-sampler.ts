import type { Host } from "../host/host.ts";
import type { Gateway } from "../mcp/calls/gateway.ts";
import type { Collector } from "../metrics/collector.ts";
import { createMachineUsage } from "../metrics/self/machine-usage.ts";
import type { HostSample } from "../metrics/self/sampled-gauges.ts";

export interface SampledParts {
	readonly host: Pick<Host, "modules" | "usage">;
	readonly gateway: Pick<Gateway, "load">;
	readonly collector: Pick<Collector, "isCollecting">;
}

/** What the host, its modules and the machine are at now. The host's own thread is the server `host`: no module has that id. */
export interface HostSampler {
	sample(): HostSample;
	/** From now on a sample has modules too. The host's metrics are made before the parts that they are about. */
	follow(parts: SampledParts): void;
}

export function createHostSampler(): HostSampler {
	const machine = createMachineUsage();
	let parts: SampledParts | undefined;
	return {
		sample: () => ({
			servers: parts === undefined ? [] : serversOf(parts),
			cpuRatio: machine.cpuRatio(),
			memoryRatio: machine.memoryRatio(),
		}),
		follow: (followed) => void (parts = followed),
	};
}

function serversOf({ host, gateway, collector }: SampledParts): HostSample["servers"] {
	const modules = host.modules().map(({ id, usage }) => {
		const { waiting, running } = gateway.load(id);
		const work = { pending: waiting, running: running + (collector.isCollecting(id) ? 1 : 0) };
		return { serverId: id, work, ...(usage !== undefined && { usage }) };
	});
	return [...modules, { serverId: "host", usage: host.usage() }];
}
