import { Command } from "commander";
import { hostOf } from "../host/host-options.ts";
import { readArguments } from "../host/json-arguments.ts";
import { withMcpClient } from "../host/mcp-client.ts";
import { contentText } from "../terminal/content.ts";
import { print, printJson, styled } from "../terminal/output.ts";

export function promptCommand(): Command {
	return new Command("prompt")
		.description("Print the messages of a prompt")
		.argument("<name>", "Its name")
		.option("--args <json>", "Its arguments, as a JSON object")
		.option("--json", "Print the whole result")
		.action(async (name: string, { args, json }: { args?: string; json?: true }, command: Command) => {
			const given = readArguments(args);
			// Arguments of prompts are texts in the protocol.
			const texts = Object.fromEntries(
				Object.entries(given).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
			);
			const result = await withMcpClient(hostOf(command), (client) => client.getPrompt({ name, arguments: texts }));
			if (json) return printJson(result);
			for (const { role, content } of result.messages) print(`${styled("bold", `${role}:`)} ${contentText([content])}`);
		});
}
