import { createHash } from "node:crypto";

export interface TestToken {
	readonly name: string;
	readonly token?: string;
	readonly scopes: readonly string[];
	readonly tools?: readonly string[];
	readonly modules?: readonly string[];
	readonly expires?: string;
}

/** An `AUTH_TOKENS_FILE` in which each token is `token-of-NAME` unless it says otherwise. */
export function tokensFile(tokens: readonly TestToken[]): string {
	return JSON.stringify(
		tokens.map(({ token, ...entry }) => ({ ...entry, sha256: sha256(token ?? `token-of-${entry.name}`) })),
	);
}

export function bearer(name: string): { readonly authorization: string } {
	return { authorization: `Bearer token-of-${name}` };
}

export function sha256(text: string): string {
	return createHash("sha256").update(text).digest("hex");
}
