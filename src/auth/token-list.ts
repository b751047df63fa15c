import { hash, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { readCheckedYaml, type YamlResult } from "../core/checked-yaml.ts";
import { type Principal, SCOPES, visibilityOf } from "./principal.ts";

/** The tokens of `AUTH_TOKENS_FILE`. */
export interface TokenList {
	/** Whose token it is, whether or not it has expired; compared with all there are, in a time that tells nothing. */
	find(token: string): Token | undefined;
	readonly tokens: readonly Token[];
}

export interface Token {
	readonly principal: Principal;
	/** Milliseconds since the epoch; Infinity for one that does not expire. */
	readonly expiresAt: number;
	readonly sha256: Buffer;
}

/** @returns the tokens, or all that is wrong with the file, each with its line */
export function parseTokenList(text: string): YamlResult<TokenList> {
	const read = readCheckedYaml(text, FILE, "is not a setting of a token; see docs/security.md for those there are");
	return read.ok ? { ok: true, value: createTokenList(read.value) } : read;
}

/** Beyond it the comparison with each would be felt. */
const MAX_TOKENS = 1000;
const MAX_GLOBS = 100;

const NOT_A_HASH = "must be the SHA-256 of the token, 64 hexadecimal digits (printf %s TOKEN | sha256sum)";
const NOT_A_TIME = "must be a date or a time with its zone, as 2027-01-31 or 2027-01-31T12:00:00Z";
const NOT_A_SCOPE = "must be metrics, mcp or admin";
const globs = z
	.array(
		z
			.string("must be a name, in which * stands for any text")
			.min(1, "must not be empty")
			.max(256, "must be at most 256 characters")
			.refine((glob) => glob.split("*").length <= 6, "must have at most 5 *"),
		"must be a list of names, in which * stands for any text",
	)
	.max(MAX_GLOBS, `must be at most ${MAX_GLOBS} names`);
const TOKEN = z.strictObject({
	name: z
		.string("must be the name of whose token it is")
		.regex(/^[\w.@:/-]{1,64}$/, "must be 1 to 64 letters, digits or any of . _ - @ : /"),
	sha256: z
		.string(NOT_A_HASH)
		.regex(/^[\da-f]{64}$/i, NOT_A_HASH)
		.transform((hex) => Buffer.from(hex, "hex")),
	scopes: z
		.array(z.enum(SCOPES, NOT_A_SCOPE), "must be a list of metrics, mcp, admin")
		.min(1, "must have at least one"),
	tools: globs.optional(),
	modules: globs.optional(),
	expires: z
		.string(NOT_A_TIME)
		.regex(/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/, NOT_A_TIME)
		.transform((text) => Date.parse(text))
		.refine((at) => !Number.isNaN(at), NOT_A_TIME)
		.optional(),
});
const FILE = z
	.array(TOKEN, "must be a list of tokens: - { name: …, sha256: …, scopes: […] }")
	.max(MAX_TOKENS, `must have at most ${MAX_TOKENS} tokens`)
	.superRefine((tokens, context) => {
		const hashes = new Map<string, number>();
		for (const [index, { sha256 }] of tokens.entries()) {
			const first = hashes.get(sha256.toString("hex"));
			if (first !== undefined)
				context.addIssue({
					code: "custom",
					path: [index, "sha256"],
					message: `is the token of entry ${first + 1} too`,
				});
			else hashes.set(sha256.toString("hex"), index);
		}
	});

function createTokenList(entries: z.output<typeof FILE>): TokenList {
	const tokens = entries.map(({ name, sha256, scopes, tools, modules, expires }) => ({
		principal: {
			name,
			id: `bearer:${name}`,
			method: "bearer" as const,
			scopes: Object.freeze([...new Set(scopes)]),
			sees: visibilityOf({ tools, modules }),
		},
		expiresAt: expires ?? Number.POSITIVE_INFINITY,
		sha256,
	}));
	return {
		tokens,
		find(token) {
			const digest = hash("sha256", token, "buffer");
			let found: Token | undefined;
			for (const each of tokens) if (timingSafeEqual(each.sha256, digest)) found = each;
			return found;
		},
	};
}
