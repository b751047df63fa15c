import type { IncomingMessage } from "node:http";
import { closeSync, openSync } from "node:fs";
import { type AuditLog, createAuditLog } from "../auth/audit-log.ts";
import { createBasicCheck } from "../auth/basic-passwords.ts";
import { type Authenticator, createAuthenticator, type CredentialCheck } from "../auth/authenticator.ts";
import { createBearerCheck } from "../auth/bearer-tokens.ts";
import { principalOf } from "../auth/identified-request.ts";
import { createJwtCheck } from "../auth/jwt.ts";
import { createKeySource } from "../auth/key-source.ts";
import { createRateLimit } from "../auth/rate-limit.ts";
import { parseTokenList, type TokenList } from "../auth/token-list.ts";
import { openWatchedFile, type WatchedFile } from "../auth/watched-file.ts";
import { isLoopback } from "../config/host-header.ts";
import type { HostConfig } from "../config/config.ts";
import { describeYamlProblems } from "../core/checked-yaml.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";
import type { TlsOptions } from "node:tls";
import type { ListenerTls } from "../http/listener.ts";
import { openWeb } from "./open-web.ts";
import { type Access, createAccess } from "../http/front/access.ts";
import { createChallenges } from "../http/front/challenge.ts";
import { metadataUrl } from "../http/routes/oauth-route.ts";
import { createLineSink } from "../logging/line-sink.ts";
import type { Logger } from "../logging/logger.ts";
import type { Instrumentation } from "./instrumentation.ts";
import type { Reloadable } from "./reload.ts";

/** Who may do what on this host. */
export interface OpenAccess {
	readonly access: Access;
	readonly audit: AuditLog | undefined;
	readonly reloadables: readonly Reloadable[];
	/** Of `WEB_CONFIG_FILE`; undefined where connections are not encrypted. */
	readonly tls: ListenerTls | undefined;
	/** On every answer. */
	responseHeaders(): Readonly<Record<string, string>>;
	/** To be called once: is told of certificates that have changed. */
	onTlsChange(take: (options: TlsOptions) => void): void;
	/** Whether a request is told of modules where everybody may ask. */
	readonly showsModules: (request: IncomingMessage) => boolean;
}

export interface AccessParts {
	readonly instrumentation: Instrumentation;
	readonly opened: AsyncDisposableStack;
	readonly versionOf: (moduleId: string) => string | undefined;
}

/** @throws {BulkheadError} CONFIG_INVALID */
export function openAccess(config: HostConfig, log: Logger, parts: AccessParts): OpenAccess {
	const { instrumentation, opened } = parts;
	const checks: CredentialCheck[] = [];
	const reloadables: Reloadable[] = [];
	const schemes = new Set<"bearer" | "basic">();

	const tokens = config.authTokensFile === undefined ? undefined : openTokens(config.authTokensFile);
	if (tokens !== undefined) {
		opened.defer(tokens.close);
		schemes.add("bearer");
		checks.push(createBearerCheck(tokens.value, Date.now));
		reloadables.push(reloadableOf(tokens, config.authTokensFile ?? ""));
	}
	if (config.oauthIssuer !== undefined) {
		schemes.add("bearer");
		checks.push(openJwtCheck(config, config.oauthIssuer, log));
	}
	let authenticator: Authenticator | undefined;
	const web = openWeb(config, log, { ...parts, onChange: () => authenticator?.forget() });
	if (web !== undefined) {
		reloadables.push(web.reloadable);
		if (web.hasUsers()) {
			schemes.add("basic");
			checks.push(createBasicCheck(web.users));
		}
	}
	const certificate = web?.certificate;
	const isAuthenticating = checks.length > 0 || certificate !== undefined;
	if (!isAuthenticating && web !== undefined) refuseOpen(config);
	const audit = openAudit(config, log, parts);
	if (audit !== undefined) reloadables.push(audit.reloadable);
	authenticator = isAuthenticating
		? createAuthenticator({ checks, now: Date.now, ...(certificate !== undefined && { certificate }) })
		: undefined;
	if (tokens !== undefined) {
		instrumentation.tokens(tokens.value().tokens);
		tokens.watch({
			onChange(list) {
				authenticator?.forget();
				instrumentation.tokens(list.tokens);
				instrumentation.configReloaded();
				log.info(`${config.authTokensFile} has changed and is in force: ${list.tokens.length} tokens`);
			},
			onInvalid(problems) {
				instrumentation.configRefused("auth_tokens", problems.length);
				const told = describeYamlProblems(config.authTokensFile ?? "", problems);
				log.error(`AUTH_TOKENS_FILE is wrong:\n${told}\nThe tokens before stay in force.`);
			},
		});
	}
	const access = createAccess({
		authenticator,
		challenges: createChallenges({
			schemes,
			metadataUrl: config.oauthIssuer === undefined ? undefined : (request) => metadataUrl(request, config.publicUrl),
		}),
		rateLimit: config.rateLimitPerMinute === 0 ? undefined : createRateLimit(config.rateLimitPerMinute),
		observer: instrumentation.access,
		audit: audit?.log,
	});
	return {
		access,
		audit: audit?.log,
		reloadables,
		tls: web?.tls,
		responseHeaders: () => web?.headers() ?? {},
		onTlsChange: (take) => web?.onTlsChange(take),
		showsModules(request) {
			if (authenticator === undefined) return true;
			const principal = principalOf(request);
			return principal?.scopes.includes("admin") === true && principal.sees.all;
		},
	};
}

/** TLS alone asks nobody who they are. @throws {BulkheadError} CONFIG_INVALID */
function refuseOpen({ allowUnauthenticated, host, metricsHost }: HostConfig): void {
	if (allowUnauthenticated || [host, metricsHost ?? host].every(isLoopback)) return;
	const message = `${host} is open to other machines, and WEB_CONFIG_FILE asks nobody who they are: add basic_auth_users or client_auth_type: RequireAndVerifyClientCert, set AUTH_TOKENS_FILE or OAUTH_ISSUER, or ALLOW_UNAUTHENTICATED=true`;
	throw new BulkheadError("CONFIG_INVALID", message);
}

function openTokens(path: string): WatchedFile<TokenList> {
	return openWatchedFile(path, "AUTH_TOKENS_FILE", parseTokenList);
}

function reloadableOf(file: WatchedFile<unknown>, what: string): Reloadable {
	return {
		what,
		reload: () => file.reload().map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
	};
}

function openJwtCheck(config: HostConfig, issuer: string, log: Logger): CredentialCheck {
	const keys = createKeySource({
		issuer,
		jwksUri: config.oauthJwksUri,
		now: Date.now,
		onProblem: (what) => log.warn(what),
	});
	return createJwtCheck({ issuer, audiences: config.oauthAudience ?? [], keys, now: Date.now });
}

function openAudit(
	{ auditLogFile }: HostConfig,
	log: Logger,
	{ opened, versionOf }: AccessParts,
): { readonly log: AuditLog; readonly reloadable: Reloadable } | undefined {
	if (auditLogFile === undefined) return undefined;
	const open = (): { readonly fd: number; readonly sink: ReturnType<typeof createLineSink> } => {
		const fd = openForAudit(auditLogFile);
		const onDropped = (lines: number): void => log.error(`${auditLogFile}: ${lines} lines could not be written`);
		return { fd, sink: createLineSink(fd, onDropped) };
	};
	const close = ({ fd, sink }: ReturnType<typeof open>): void => {
		sink.close();
		closeSync(fd);
	};
	let current = open();
	opened.defer(() => close(current));
	return {
		log: createAuditLog({ write: (line) => current.sink.write(line) }, versionOf, Date.now),
		reloadable: {
			what: auditLogFile,
			reload() {
				const before = current;
				current = open(); // the one before stays where this throws
				close(before);
				return [];
			},
		},
	};
}

/** Only its owner reads who has done what. */
const AUDIT_MODE = 0o600;

function openForAudit(file: string): number {
	try {
		return openSync(file, "a", AUDIT_MODE);
	} catch (cause) {
		const message = `${file} cannot be written (${messageOf(cause)}): make it writable, or change AUDIT_LOG_FILE`;
		throw new BulkheadError("CONFIG_INVALID", message, { cause });
	}
}
