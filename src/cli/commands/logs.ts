import { Command, InvalidArgumentError } from "commander";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import { CommandFailure } from "../host/failure.ts";
import { hostApi, modulePath } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ModuleLine } from "../host/views.ts";
import { harmless, print, styled } from "../terminal/output.ts";

interface LogsFlags {
	readonly lines: number;
	readonly follow?: true;
	readonly json?: true;
}

export function logsCommand(): Command {
	return new Command("logs")
		.description("Print the last log lines of a module, and with -f those that come")
		.argument("<module>", "Its id, as metrics/disk")
		.option("-n, --lines <n>", "How many of the last lines", count, 100)
		.option("-f, --follow", "Go on with the lines that come, until Ctrl-C")
		.option("--json", "One JSON object a line")
		.action(async (id: string, { lines, follow, json }: LogsFlags, command: Command) => {
			const api = hostApi(hostOf(command));
			const path = `${modulePath(id)}/logs?lines=${lines}`;
			const show = (line: Partial<ModuleLine>): void => print(json ? JSON.stringify(line) : lineText(line));
			if (follow !== true) {
				const { lines: last } = await api.get<{ lines: readonly ModuleLine[] }>(path);
				for (const line of last) show(line);
				return;
			}
			const { body } = await api.open(`${path}&follow`, { headers: { accept: "text/event-stream" } });
			if (body === null) throw new CommandFailure("the host sends no events");
			for await (const data of eventsOf(body)) show(readLine(data));
		});
}

/** The data of each server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncIterable<string> {
	const decoder = new TextDecoder();
	let rest = "";
	let data: string[] = [];
	for await (const bytes of body) {
		const text = decoder.decode(bytes, { stream: true });
		const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
		rest = lines.pop() ?? "";
		for (const line of lines) {
			if (line.startsWith("data:")) data.push(line.slice("data:".length).replace(/^ /, ""));
			if (line !== "" || data.length === 0) continue;
			yield data.join("\n");
			data = [];
		}
	}
}

function readLine(data: string): Partial<ModuleLine> {
	const line = parseJson(data);
	if (!isRecord(line)) return { message: data };
	// The host has lines that we were too slow for.
	return typeof line["lines"] === "number" ? { level: "warn", message: `${line["lines"]} lines were lost` } : line;
}

function lineText({ time = "", level = "info", message = "" }: Partial<ModuleLine>): string {
	return `${styled("dim", harmless(time))} ${levelText(level)} ${harmless(message)}`;
}

function levelText(level: string): string {
	const text = harmless(level).toUpperCase().padEnd(5);
	if (level === "error") return styled("red", text);
	return level === "warn" ? styled("yellow", text) : text;
}

function count(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("It must be a whole number.");
	return value;
}
