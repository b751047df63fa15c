import path from "node:path";
import type { IncomingMessage } from "node:http";
import type { TlsOptions } from "node:tls";
import { certificatePrincipal, isClientRefused, type LoadedTls, loadTls } from "../auth/certificates.ts";
import type { Principal } from "../auth/principal.ts";
import { openWatchedFile } from "../auth/watched-file.ts";
import { parseWebConfig, type WebConfig } from "../auth/web-config.ts";
import type { HostConfig } from "../config/config.ts";
import { describeYamlProblems } from "../core/checked-yaml.ts";
import { messageOf } from "../core/errors.ts";
import type { ListenerTls } from "../http/listener.ts";
import type { Logger } from "../logging/logger.ts";
import type { Instrumentation } from "./instrumentation.ts";
import type { Reloadable } from "./reload.ts";

/** What `WEB_CONFIG_FILE` says. */
export interface OpenWeb {
	readonly tls: ListenerTls | undefined;
	readonly users: () => WebConfig["users"];
	readonly hasUsers: () => boolean;
	/** Undefined where clients show no certificates that are verified. */
	readonly certificate: ((request: IncomingMessage) => Principal | undefined) | undefined;
	readonly headers: () => WebConfig["headers"];
	readonly reloadable: Reloadable;
	onTlsChange(take: (options: TlsOptions) => void): void;
}

export interface WebParts {
	readonly instrumentation: Instrumentation;
	readonly opened: AsyncDisposableStack;
	/** Users, hashes or certificates are others from here on. */
	readonly onChange: () => void;
}

/** Certificates are replaced without a word to us (cert-manager, certbot). */
const CERTIFICATES_CHECK_MS = 5000;

/** @throws {BulkheadError} CONFIG_INVALID */
export function openWeb({ webConfigFile }: HostConfig, log: Logger, parts: WebParts): OpenWeb | undefined {
	if (webConfigFile === undefined) return undefined;
	const { instrumentation, opened, onChange } = parts;
	const folder = path.dirname(webConfigFile);
	const file = openWatchedFile(webConfigFile, "WEB_CONFIG_FILE", (text) => parseWebConfig(text, folder));
	opened.defer(file.close);
	const { tls: first } = file.value();
	let loaded = first === undefined ? undefined : loadTls(first);
	let take: ((options: TlsOptions) => void) | undefined;
	let toldProblem = "";
	if (loaded !== undefined) instrumentation.certificate(loaded.expiresAt);

	/** @returns what is wrong; what was loaded before stays */
	function reloadCertificates(): string | undefined {
		const { tls } = file.value();
		if (tls === undefined || loaded === undefined) return undefined;
		try {
			const now = loadTls(tls);
			if (sameTls(now, loaded)) return undefined;
			take?.(now.options); // throws for a key of another certificate
			loaded = now;
			instrumentation.certificate(now.expiresAt);
			toldProblem = "";
			log.info("the certificates have changed and are in force");
			return undefined;
		} catch (error) {
			const problem = `the certificates of ${webConfigFile} are wrong, the ones before stay in force: ${messageOf(error)}`;
			if (problem !== toldProblem) log.error(problem);
			toldProblem = problem;
			return problem;
		}
	}

	const checking = setInterval(reloadCertificates, CERTIFICATES_CHECK_MS).unref();
	opened.defer(() => clearInterval(checking));
	file.watch({
		onChange() {
			onChange();
			instrumentation.configReloaded();
			reloadCertificates();
			log.info(
				`${webConfigFile} has changed; users and certificates are in force, other settings of TLS from a restart on`,
			);
		},
		onInvalid(problems) {
			instrumentation.configRefused("web_config", problems.length);
			const told = describeYamlProblems(webConfigFile, problems);
			log.error(`WEB_CONFIG_FILE is wrong:\n${told}\nWhat was in force before stays so.`);
		},
	});
	const verifies =
		first?.clientAuth === "VerifyClientCertIfGiven" || first?.clientAuth === "RequireAndVerifyClientCert";
	return {
		tls:
			first === undefined || loaded === undefined
				? undefined
				: { options: loaded.options, isRefused: (socket) => isClientRefused(first.clientAuth, socket) },
		users: () => file.value().users,
		hasUsers: () => file.value().users.size > 0,
		certificate: verifies ? certificatePrincipal : undefined,
		headers: () => file.value().headers,
		reloadable: {
			what: webConfigFile,
			reload() {
				const problems = file
					.reload()
					.map(({ line, column, path: at, message }) => `${line}:${column} ${at} ${message}`);
				const certificates = reloadCertificates();
				return certificates === undefined ? problems : [...problems, certificates];
			},
		},
		onTlsChange(taken) {
			take = taken;
		},
	};
}

function sameTls(a: LoadedTls, b: LoadedTls): boolean {
	return Buffer.concat(a.files).equals(Buffer.concat(b.files));
}
