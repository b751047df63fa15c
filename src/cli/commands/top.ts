import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { hostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ModulesView, ModuleView } from "../host/views.ts";
import { modulesTable } from "../terminal/modules-table.ts";
import { oneLine, print, styled } from "../terminal/output.ts";

export function topCommand(): Command {
	return new Command("top")
		.description("Watch the modules of a host, what is wrong first; Ctrl-C ends it")
		.option("--once", "Print them once")
		.option("--interval <seconds>", "How often to look", seconds, 2)
		.action(async ({ once, interval }: { once?: true; interval: number }, command: Command) => {
			const api = hostApi(hostOf(command));
			for (;;) {
				const { modules } = await api.get<ModulesView>("/api/modules");
				const text = screen(api.url, modules);
				if (once === true || !process.stdout.isTTY) print(text);
				else
					process.stdout.write(
						`${HOME_AND_CLEAR}${text
							.split("\n")
							.slice(0, process.stdout.rows - 1)
							.join("\n")}\n`,
					);
				if (once === true) return;
				await delay(interval * 1000);
			}
		});
}

const HOME_AND_CLEAR = "\u001b[H\u001b[2J";

function screen(url: string, modules: readonly ModuleView[]): string {
	const serving = modules.filter(({ state }) => state === "running" || state === "degraded").length;
	const sorted = modules.toSorted((a, b) => rank(b) - rank(a));
	const head = `${styled("bold", oneLine(url))}  ${serving} of ${modules.length} serving  ${new Date().toISOString()}`;
	return `${head}\n\n${modulesTable(sorted)}`;
}

/** What is wrong comes first, then what works most. */
function rank({ state, event_loop_utilization: busy }: ModuleView): number {
	return (state === "running" ? 0 : 10) + (busy ?? 0);
}

function seconds(text: string): number {
	const value = Number(text);
	if (!(value >= 0.1 && value <= 3600)) throw new InvalidArgumentError("It must be a number from 0.1 to 3600.");
	return value;
}
