import { Command } from "commander";
import { wrongUsage } from "../host/failure.ts";

/** Here for the help alone: the supervisor starts the host without reading any package (src/launch/command.ts). */
export function startCommand(): Command {
	return new Command("start")
		.description("Serve the modules over HTTP, as .env and the environment say (the same as no command)")
		.action(() => {
			throw wrongUsage("`bulkhead start` takes no options: what it does stands in .env and the environment");
		});
}
