import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type SandboxPolicy, workerExecArgv } from "../../src/host/policy/permissions.ts";

export interface RunOptions {
	readonly policy?: Partial<SandboxPolicy>;
	/** Handed to the fixture's function. */
	readonly argument?: unknown;
	/** False: the thread is as Node makes it, but for the flags. */
	readonly isLocked?: boolean;
	/** False: without the flags of the permission model too. */
	readonly hasFlags?: boolean;
	/** Imported before the lock, as a runtime's own libraries are. */
	readonly libraries?: readonly string[];
	readonly quota?: { readonly perSecond: number; readonly burst: number };
}

export interface RunResult {
	/** What the fixture's function returned. */
	readonly value?: unknown;
	/** What it threw, or what its import did. */
	readonly error?: {
		readonly name?: string;
		readonly code?: string;
		readonly message?: string;
		readonly stack?: string;
	};
	/** The thread ended without an answer. */
	readonly exitCode?: number;
	readonly output: readonly { readonly stream: string; readonly text: string }[];
}

/** What `_worker.ts` posts. */
interface Message {
	readonly output?: { readonly stream: string; readonly text: string };
	readonly done?: { readonly value: unknown };
	readonly failed?: NonNullable<RunResult["error"]>;
}

export const MODULE_ID = "metrics/attacker";
export const FIXTURES = fileURLToPath(new URL("../fixtures/sandbox/", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DEADLINE_MS = 20_000;
const NODE_MAJOR = Number.parseInt(process.versions.node, 10);

/** Runs a file of test/fixtures/sandbox in a thread of its own, under a policy. */
export async function runSandboxed(fixture: string, options: RunOptions = {}): Promise<RunResult> {
	const policy: SandboxPolicy = {
		level: "standard",
		net: false,
		childProcess: false,
		...options.policy,
		read: [`${ROOT}workers`, `${ROOT}package.json`, `${ROOT}node_modules`, FIXTURES, ...(options.policy?.read ?? [])],
	};
	const worker = new Worker(`${FIXTURES}_worker.ts`, {
		execArgv: options.hasFlags === false ? [] : [...workerExecArgv(policy, NODE_MAJOR)],
		env: { GRANTED: "yes" },
		stdout: true,
		stderr: true,
		workerData: {
			path: `${FIXTURES}${fixture}`,
			argument: options.argument,
			moduleId: MODULE_ID,
			policy: { ...policy, read: undefined },
			isLocked: options.isLocked ?? true,
			libraries: options.libraries ?? [],
			quota: options.quota,
		},
	});
	const output: { readonly stream: string; readonly text: string }[] = [];
	let result: Omit<RunResult, "output"> | undefined;
	worker.on("message", (message: Message) => {
		if (message.output) output.push(message.output);
		if (message.done) result = message.done;
		if (message.failed) result = { error: message.failed };
		if (result !== undefined) void worker.terminate();
	});
	worker.on("error", (error: Error) => {
		result ??= { error };
	});
	const timer = setTimeout(() => void worker.terminate(), DEADLINE_MS);
	const exitCode = await new Promise<number>((resolve) => void worker.once("exit", resolve));
	clearTimeout(timer);
	return { ...(result ?? { exitCode }), output };
}
