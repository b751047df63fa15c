import { spawn } from "node:child_process";
import { once } from "node:events";
import { MAIN } from "./host-process.ts";

export interface CommandResult {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface CommandOptions {
	readonly cwd: string;
	readonly env?: Readonly<Record<string, string>>;
	/** What standard input holds. */
	readonly input?: string;
}

/** The built `bulkhead`, run as somebody would in a shell, to its end. */
export async function bulkhead(args: readonly string[], { cwd, env = {}, input = "" }: CommandOptions) {
	const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: { PATH: process.env["PATH"], ...env } });
	let stdout = "";
	let stderr = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
	child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
	child.stdin.end(input);
	const [code] = (await once(child, "close")) as [number | null];
	return { code, stdout, stderr } satisfies CommandResult;
}
