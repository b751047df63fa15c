import { Command } from "commander";
import { hostOf } from "../host/host-options.ts";
import { withMcpClient } from "../host/mcp-client.ts";
import { contentText } from "../terminal/content.ts";
import { print, printJson } from "../terminal/output.ts";

export function readCommand(): Command {
	return new Command("read")
		.description("Read a resource")
		.argument("<uri>", "Its URI")
		.option("--json", "Print the whole result")
		.action(async (uri: string, { json }: { json?: true }, command: Command) => {
			const result = await withMcpClient(hostOf(command), (client) => client.readResource({ uri }));
			if (json) printJson(result);
			else print(contentText(result.contents));
		});
}
