import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describeProblems, type HostConfig, loadConfig, readLaunch } from "../config/config.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";
import { freePort } from "./free-port.ts";

/** What a host needs that is there for one command alone, on the modules of the folder that the command was given in. */
export interface OwnHost extends Disposable {
	readonly url: string;
	/** Variables to start it under. */
	readonly env: Readonly<Record<string, string>>;
	/** A folder of its own, which goes with it. */
	readonly folder: string;
	readonly config: HostConfig;
}

/** @throws {BulkheadError} CONFIG_INVALID when there is nothing to serve, or what is set for it is wrong */
export async function prepareOwnHost(): Promise<OwnHost> {
	const { env, startDir } = readLaunch();
	const loaded = loadConfig({ ...env, ...DEFAULTS }, startDir);
	if (!loaded.ok) throw new BulkheadError("CONFIG_INVALID", describeProblems(loaded.problems));
	const { config } = loaded;
	if (!existsSync(config.metricsDir) && !existsSync(config.mcpsDir)) {
		const what = `there is neither ${config.metricsDir} nor ${config.mcpsDir}`;
		const cure = "start it in the folder that holds metrics/ and mcps/, or set METRICS_DIR and MCPS_DIR";
		throw new BulkheadError("CONFIG_INVALID", `${what}: ${cure}`);
	}
	// Also after its supervisor has started it again: with 0 the host would get another one each time.
	const port = await freePort();
	// A host's state is its own: another one may be running from the same folder.
	const folder = temporaryFolder();
	return {
		url: `http://${LOOPBACK}:${port}`,
		env: {
			...DEFAULTS,
			PORT: String(port),
			STATE_DIR: path.join(folder, "state"),
			METRICS_DIR: existing(config.metricsDir, path.join(folder, "metrics")),
			MCPS_DIR: existing(config.mcpsDir, path.join(folder, "mcps")),
		},
		folder,
		config,
		[Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
	};
}

/** Resolves when every module has started once or has failed to; never, when the host does not come so far. */
export async function untilReady(address: string, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		const ready = await fetch(`${address}/readyz`, { signal }).then(
			({ ok }) => ok,
			() => false,
		);
		if (ready) return;
		await delay(POLL_MS);
	}
}

const LOOPBACK = "127.0.0.1";
const POLL_MS = 25;
/** Nobody but the command calls this host: what is set for the one that others call is not for it. Empty is as not set. */
const DEFAULTS = {
	HOST: LOOPBACK,
	ALLOWED_HOSTS: LOOPBACK,
	METRICS_PORT: "",
	METRICS_HOST: "",
	PUBLIC_URL: "",
	AUTH_TOKENS_FILE: "",
	WEB_CONFIG_FILE: "",
	OAUTH_ISSUER: "",
	OAUTH_AUDIENCE: "",
	OAUTH_JWKS_URI: "",
};

/** A host would make a module folder that is missing, where nobody asked for one. */
function existing(dir: string, instead: string): string {
	if (existsSync(dir)) return dir;
	mkdirSync(instead);
	return instead;
}

function temporaryFolder(): string {
	try {
		return mkdtempSync(path.join(tmpdir(), "bulkhead-own-"));
	} catch (cause) {
		const message = `a host of its own needs a temporary folder (${messageOf(cause)}): set TMPDIR to one that can be written`;
		throw new BulkheadError("CONFIG_INVALID", message, { cause });
	}
}
