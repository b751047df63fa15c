import path from "node:path";
import { Argument, Command } from "commander";
import { CLIENTS, type ClientName, entryFor } from "../connect/clients.ts";
import { mergeIntoJson, mergeIntoToml, readConfiguration, writeConfiguration } from "../connect/configuration-file.ts";
import { hostOf } from "../host/host-options.ts";
import { print } from "../terminal/output.ts";

/** @param main absolute path of the script that runs this command */
export function connectCommand(main: string): Command {
	return new Command("connect")
		.description("Write the configuration of an MCP client, so that it uses the host")
		.addArgument(new Argument("<client>").choices(Object.keys(CLIENTS)))
		.option("--print", "Only show what would be written")
		.option("--name <name>", "What the client calls the host", "bulkhead")
		.action((client: ClientName, { print: only, name }: { print?: true; name: string }, command: Command) => {
			const host = hostOf(command);
			const { file, format, section } = CLIENTS[client]();
			const entry = entryFor(client, { url: `${host.url}/mcp`, token: host.token, main });
			const before = readConfiguration(file);
			const after =
				format === "toml"
					? mergeIntoToml(before, section, name, entry)
					: mergeIntoJson(file, before, section, name, entry);
			if (only === true) {
				print(`# ${file}`);
				return print(
					format === "toml" ? mergeIntoToml("", section, name, entry) : mergeIntoJson(file, "", section, name, entry),
				);
			}
			if (after === before) return print(`${file} has ${name} already, as it should be.`);
			const backup = writeConfiguration(file, before, after);
			print(`${name} is written to ${file}${backup === undefined ? "" : ` (as it was: ${path.basename(backup)})`}.`);
			if (host.token !== undefined && client !== "claude-desktop")
				print("The token is not in the file: the client takes it from its environment, as BULKHEAD_TOKEN.");
			print("Start the client again, so that it reads it.");
		});
}
