import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** How much of the machine is in use, by whomever; each a share of 0 to 1. What cannot be read now is what it was. */
export interface MachineUsage {
	/** Of all processors, since it was asked last; the first time since this was made. */
	cpuRatio(): number;
	/** Of the memory that there is; where a container has less, of that. */
	memoryRatio(): number;
}

export function createMachineUsage(): MachineUsage {
	let last = readTicks();
	let cpuRatio = 0;
	let memoryRatio = 0;
	return {
		cpuRatio() {
			const now = readTicks();
			if (now !== undefined && last !== undefined && now.total > last.total) {
				cpuRatio = share(1 - (now.idle - last.idle) / (now.total - last.total));
			}
			last = now ?? last;
			return cpuRatio;
		},
		memoryRatio() {
			const available = process.availableMemory(); // 0 when it could not be read
			// As much as a number can say, or 0, where nothing constrains it.
			const total = Math.min(process.constrainedMemory() || Infinity, totalmem());
			if (available > 0) memoryRatio = share(1 - available / total);
			return memoryRatio;
		},
	};
}

/** All processors' together, since the machine started, in any unit. */
interface Ticks {
	readonly idle: number;
	readonly total: number;
}

/** Linux says it in one line, while `os.cpus()` asks each processor for its frequency: milliseconds where there are many. */
function readTicks(): Ticks | undefined {
	try {
		const [, line = ""] = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "latin1")) ?? [];
		// user, nice, system, idle, iowait, irq, softirq, steal; what guests had is in `user` (proc_stat(5)).
		const ticks = line.split(" ", 8).map(Number);
		const [, , , idle = 0, waiting = 0] = ticks;
		return { idle: idle + waiting, total: ticks.reduce((sum, each) => sum + each, 0) };
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ENOENT" ? addUp(cpus()) : undefined;
	}
}

function addUp(processors: ReturnType<typeof cpus>): Ticks {
	const idle = processors.reduce((sum, { times }) => sum + times.idle, 0);
	const busy = processors.reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
	return { idle, total: idle + busy };
}

function share(value: number): number {
	return Math.min(1, Math.max(0, value));
}
