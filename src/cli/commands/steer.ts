import { Command } from "commander";
import { hostApi, modulePath } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ModuleView } from "../host/views.ts";
import { harmless, print, printJson } from "../terminal/output.ts";

/** `restart`, `enable` and `disable`. */
export function steeringCommands(): readonly Command[] {
	return ACTIONS.map(([name, description]) =>
		new Command(name)
			.description(description)
			.argument("<module>", "Its id, as metrics/disk")
			.option("--json", "Print the module as the API has it")
			.action(async (id: string, { json }: { json?: true }, command: Command) => {
				const module = await hostApi(hostOf(command)).post<Partial<ModuleView>>(`${modulePath(id)}/${name}`);
				if (json) printJson(module);
				else print(`${harmless(id)} is ${harmless(module.state ?? "asked")}`);
			}),
	);
}

const ACTIONS = [
	["restart", "Start a module anew, beside the version that serves until the new one does"],
	["enable", "Start a module that was disabled"],
	["disable", "Stop a module, and start it no more until it is enabled"],
] as const;
