import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { messageOf } from "../core/errors.ts";

/** Finds the key that a token was signed with, among those that its issuer publishes. */
export type KeySource = JWTVerifyGetKey;

/** There are no keys to check with. */
export class KeysUnavailable extends Error {}

export interface KeySourceOptions {
	readonly issuer: string;
	/** Default: where the issuer's metadata says. */
	readonly jwksUri: string | undefined;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Keys could not be fetched: a sentence. Called once until they can be again. */
	readonly onProblem: (what: string) => void;
}

/**
 * Fetches the keys when they are first needed, keeps them, and fetches them again in the background while the ones before
 * serve: a server of keys that is away holds up nothing. A key that is not among them has them fetched at once, but seldom,
 * since anybody can make one up.
 */
export function createKeySource({ issuer, jwksUri, now, onProblem }: KeySourceOptions): KeySource {
	let keys: { readonly find: KeySource; readonly at: number } | undefined;
	let loading: Promise<void> | undefined;
	let triedAt = Number.NEGATIVE_INFINITY;
	let isTold = false;
	/** Fetches that unknown keys may still cause. */
	let allowance = MAX_ALLOWANCE;
	let countedAt = now();

	function load(): Promise<void> {
		triedAt = now();
		loading ??= fetchKeys(issuer, jwksUri)
			.then(
				(set) => {
					keys = { find: createLocalJWKSet(set), at: now() };
					isTold = false;
				},
				(error: unknown) => {
					if (!isTold) onProblem(`the keys of ${issuer} cannot be fetched: ${messageOf(error)}`);
					isTold = true;
				},
			)
			.finally(() => {
				loading = undefined;
			});
		return loading;
	}

	function mayLookAgain(): boolean {
		allowance = Math.min(MAX_ALLOWANCE, allowance + (now() - countedAt) / ALLOWANCE_MS);
		countedAt = now();
		if (allowance < 1) return false;
		allowance -= 1;
		return true;
	}

	async function known(): Promise<KeySource> {
		const age = keys === undefined ? Number.POSITIVE_INFINITY : now() - keys.at;
		if (age > FRESH_MS && (loading !== undefined || now() - triedAt > RETRY_MS)) {
			const loaded = load();
			if (age > STALE_MS) await loaded;
		}
		if (keys === undefined || now() - keys.at > STALE_MS) throw new KeysUnavailable();
		return keys.find;
	}

	return async (header, token) => {
		const find = await known();
		try {
			return await find(header, token);
		} catch (error) {
			if (!(error instanceof errors.JWKSNoMatchingKey) || !mayLookAgain()) throw error;
			await load();
			return (await known())(header, token);
		}
	};
}

const FRESH_MS = 600_000;
/** A key that was withdrawn is believed no longer than this while its server is away. */
const STALE_MS = 86_400_000;
const RETRY_MS = 1000;
const ALLOWANCE_MS = 30_000;
const MAX_ALLOWANCE = 5;
const FETCH_TIMEOUT_MS = 5000;
const MAX_BYTES = 1 << 20;

const KEY_SET = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
const METADATA = z.object({ issuer: z.string(), jwks_uri: z.url() });

async function fetchKeys(issuer: string, jwksUri: string | undefined): Promise<JSONWebKeySet> {
	return KEY_SET.parse(await fetchJson(jwksUri ?? (await discover(issuer))));
}

/** @throws when neither kind of metadata names where the keys are */
async function discover(issuer: string): Promise<string> {
	const { origin, pathname } = new URL(issuer);
	const path = pathname.replace(/\/$/, "");
	const places = [
		`${origin}${path}/.well-known/openid-configuration`,
		`${origin}/.well-known/oauth-authorization-server${path}`, // RFC 8414, 3.1
	];
	const problems: string[] = [];
	for (const place of places) {
		try {
			const found = METADATA.parse(await fetchJson(place));
			if (found.issuer === issuer) return found.jwks_uri;
			problems.push(`${place} is of ${found.issuer.slice(0, MAX_SHOWN)}`);
		} catch (error) {
			problems.push(`${place}: ${messageOf(error).slice(0, MAX_SHOWN)}`);
		}
	}
	throw new Error(`${problems.join("; ")} (OAUTH_JWKS_URI says where they are)`);
}

const MAX_SHOWN = 200;

async function fetchJson(url: string): Promise<unknown> {
	const response = await fetch(url, {
		redirect: "error",
		headers: { accept: "application/json" },
		signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
	});
	if (!response.ok) throw new Error(`${url} answers ${response.status}`);
	const bytes = await response.arrayBuffer();
	if (bytes.byteLength > MAX_BYTES) throw new Error(`${url} is longer than ${MAX_BYTES} bytes`);
	return JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;
}
