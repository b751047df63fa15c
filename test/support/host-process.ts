import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { TestContext } from "node:test";
import { until } from "./until.ts";

/** The built program, started as an operator starts it. */
export interface HostProcess {
	readonly child: ChildProcess;
	/** Everything written to standard error. */
	errors(): string;
	/** The URL of the readiness line. */
	ready(): Promise<string>;
	/** The exit code, once it has ended. */
	ended(): Promise<number | null>;
}

export const MAIN = path.join(import.meta.dirname, "../../dist/main.js");

export function startHostProcess(
	t: TestContext,
	folder: string,
	env: Readonly<Record<string, string>> = {},
): HostProcess {
	const child = spawn(process.execPath, [MAIN], {
		cwd: folder,
		env: { PATH: process.env["PATH"], PORT: "0", LOG_FORMAT: "json", ...env },
		stdio: ["ignore", "ignore", "pipe"],
	});
	let errors = "";
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		errors += text;
	});
	const ended = once(child, "close");
	t.after(async () => {
		child.kill("SIGTERM");
		await ended;
	});
	return {
		child,
		errors: () => errors,
		async ready() {
			await until(() => READY.test(errors) || child.exitCode !== null, "the readiness line", 20_000);
			const url = READY.exec(errors)?.[1];
			if (url === undefined) throw new Error(`it ended with ${child.exitCode}: ${errors}`);
			return url;
		},
		ended: async () => (await ended)[0] as number | null,
	};
}

const READY = /ready at (http:\/\/[^\s"]+)/;
