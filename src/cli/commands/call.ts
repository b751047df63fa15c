import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { messageOf } from "../../core/errors.ts";
import { EXIT_CODES } from "../../launch/launch-contract.ts";
import { hostApi, type HostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import { readArguments } from "../host/json-arguments.ts";
import { contentText } from "../terminal/content.ts";
import { print, printJson } from "../terminal/output.ts";

interface CallFlags {
	readonly args?: string;
	readonly json?: true;
	readonly repeat?: number;
	readonly rate?: number;
}

export function callCommand(): Command {
	return new Command("call")
		.description("Call a tool, once or as a traffic generator; exit code 1 when the result is an error")
		.argument("<tool>", "Its name")
		.option("--args <json>", "Its arguments, as a JSON object")
		.option("--json", "Print the whole result")
		.option("--repeat <n>", "Call it so many times, and print how many failed and how long they took", wholeNumber)
		.option("--rate <n>", "Calls a second with --repeat; default: one after another", positive)
		.action(async (tool: string, { args, json, repeat, rate }: CallFlags, command: Command) => {
			const api = hostApi(hostOf(command));
			const body = { tool_name: tool, arguments: readArguments(args) };
			if (repeat !== undefined) return traffic(api, body, { repeat, rate, json: json === true });
			const result = await api.post<ToolResult>("/execute", body);
			if (json) printJson(result);
			else print(contentText(result.content ?? []));
			if (result.isError === true) process.exitCode = EXIT_CODES.startFailed;
		});
}

interface ToolResult {
	readonly content?: readonly unknown[];
	readonly isError?: boolean;
}

interface Traffic {
	readonly repeat: number;
	readonly rate: number | undefined;
	readonly json: boolean;
}

/** As many calls at a time as the rate wants, and never more than a client may have in flight. */
async function traffic(api: HostApi, body: unknown, { repeat, rate, json }: Traffic): Promise<void> {
	const durations: number[] = [];
	const failures = new Map<string, number>();
	const startedAt = performance.now();
	const running = new Set<Promise<void>>();
	for (let index = 0; index < repeat; index++) {
		if (rate !== undefined) await delay(Math.max(0, startedAt + (index * 1000) / rate - performance.now()));
		while (running.size >= (rate === undefined ? 1 : MAX_IN_FLIGHT)) await Promise.race(running);
		const call: Promise<void> = callOnce().finally(() => running.delete(call));
		running.add(call);
	}
	await Promise.all(running);
	const seconds = (performance.now() - startedAt) / 1000;
	const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
	const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(durations, share));
	const report = {
		calls: repeat,
		failed,
		seconds,
		p50_ms: p50,
		p95_ms: p95,
		p99_ms: p99,
		failures: Object.fromEntries(failures),
	};
	if (json) printJson(report);
	else {
		const rateText = (repeat / seconds).toFixed(1);
		print(`${repeat} calls in ${seconds.toFixed(2)} s (${rateText} a second), ${failed} failed`);
		print(`p50 ${p50?.toFixed(1)} ms, p95 ${p95?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms`);
		for (const [message, count] of failures) print(`${count} times: ${message}`);
	}
	if (failed > 0) process.exitCode = EXIT_CODES.startFailed;

	async function callOnce(): Promise<void> {
		const at = performance.now();
		try {
			const result = await api.post<ToolResult>("/execute", body);
			if (result.isError === true) fail(contentText(result.content ?? []));
		} catch (error) {
			fail(messageOf(error));
		}
		durations.push(performance.now() - at);
	}

	function fail(message: string): void {
		const known = failures.has(message) || failures.size < MAX_MESSAGES ? message : "others";
		failures.set(known, (failures.get(known) ?? 0) + 1);
	}
}

const MAX_IN_FLIGHT = 1000;
const MAX_MESSAGES = 10;

function quantile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function wholeNumber(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number from 1 on.");
	return value;
}

function positive(text: string): number {
	const value = Number(text);
	if (!(value > 0 && value <= 100_000)) throw new InvalidArgumentError("It must be a number above 0, 100000 at most.");
	return value;
}
