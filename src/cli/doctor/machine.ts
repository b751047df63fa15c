import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeProblems, loadConfig, readLaunch } from "../../config/config.ts";
import { parsePolicy } from "../../host/policy/module-policy.ts";
import { type CheckResult, tried } from "./check-result.ts";

/** What a host needs of this machine and this folder. */
export async function checkMachine(): Promise<readonly CheckResult[]> {
	const { env, startDir } = readLaunch();
	const loaded = loadConfig(env, startDir);
	const results = [await tried("node", () => `${process.version} at ${process.execPath}`), ...inotifyLimits()];
	if (!loaded.ok) {
		const detail = describeProblems(loaded.problems);
		return [...results, { check: "configuration", status: "failed", detail }];
	}
	const { config, warnings } = loaded;
	results.push({
		check: "configuration",
		status: warnings.length === 0 ? "ok" : "warning",
		detail: warnings.length === 0 ? `as .env of ${startDir} and the environment say` : warnings.join(" "),
	});
	for (const [check, dir] of [
		["METRICS_DIR", config.metricsDir],
		["MCPS_DIR", config.mcpsDir],
	] as const)
		results.push(existsSync(dir) ? await tried(check, () => readable(dir)) : missing(check, dir));
	results.push(
		await tried("STATE_DIR", () => writable(nearest(config.stateDir))),
		await tried("temporary folder", () => writable(tmpdir())),
		await tried("policy", () => policyOf(config.pluginsFile)),
		await tried("port", () => portOf(config.host, config.port)),
	);
	return results;
}

/** Each folder of a module that is watched takes a watch, each process that watches an instance. */
const WANTED_INOTIFY = { max_user_watches: 8192, max_user_instances: 128 } as const;

function inotifyLimits(): CheckResult[] {
	return Object.entries(WANTED_INOTIFY).flatMap(([name, wanted]): CheckResult[] => {
		const file = `/proc/sys/fs/inotify/${name}`;
		if (!existsSync(file)) return []; // not Linux
		const value = Number(readFileSync(file, "utf8"));
		const cure = `; saves may go unnoticed: sysctl fs.inotify.${name}=${wanted}`;
		const isEnough = value >= wanted;
		return [
			{ check: `inotify ${name}`, status: isEnough ? "ok" : "warning", detail: `${value}${isEnough ? "" : cure}` },
		];
	});
}

function missing(check: string, dir: string): CheckResult {
	return { check, status: "warning", detail: `there is no ${dir}: a host makes it, empty` };
}

function readable(dir: string): string {
	accessSync(dir, constants.R_OK | constants.X_OK);
	return `${dir} can be read`;
}

function writable(dir: string): string {
	accessSync(dir, constants.W_OK | constants.X_OK);
	return `${dir} can be written`;
}

/** The folder itself, or the one that it would be made in. */
function nearest(dir: string): string {
	return existsSync(dir) || path.dirname(dir) === dir ? dir : nearest(path.dirname(dir));
}

function policyOf(file: string): string {
	if (!existsSync(file)) return `no ${file}: the default holds for every module`;
	const result = parsePolicy(readFileSync(file, "utf8"));
	if (result.ok) return `${file} is right`;
	const problems = result.problems.map(
		(problem) => `${file}:${problem.line}:${problem.column} ${problem.path} ${problem.message}`,
	);
	throw new Error(problems.join("\n"));
}

async function portOf(host: string, port: number): Promise<string> {
	const probe = createServer();
	try {
		await once(probe.listen(port, host), "listening");
		return `${host}:${port} is free`;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
		if (await isBulkhead(host, port)) return `${host}:${port} is taken by a Bulkhead host that runs`;
		throw new Error(`${host}:${port} is taken by another program: stop it, or set PORT`, { cause: error });
	} finally {
		probe.close();
	}
}

async function isBulkhead(host: string, port: number): Promise<boolean> {
	const name = host.includes(":") ? `[${host}]` : host;
	const answer = await fetch(`http://${name}:${port}/livez`, { signal: AbortSignal.timeout(2000) }).catch(
		() => undefined,
	);
	return answer?.ok === true;
}
