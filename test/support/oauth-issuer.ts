import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** An OAuth 2 issuer as a resource server sees it: metadata, keys, and the tokens that it signs. */
export interface TestIssuer {
	readonly issuer: string;
	/** Requests for keys so far. */
	keyRequests(): number;
	/** @param claims over those of a token that is right for audience `bulkhead` */
	sign(
		claims?: Readonly<Record<string, unknown>>,
		options?: { readonly kid?: string; readonly alg?: string; readonly key?: Uint8Array },
	): Promise<string>;
	/** Signs with another key from here on, and publishes it alone. */
	rotate(): Promise<void>;
	/** Whether requests are answered. */
	setAway(away: boolean): void;
}

export async function startIssuer(t: TestContext): Promise<TestIssuer> {
	let number = 0;
	let keyRequests = 0;
	let isAway = false;
	let pair = await generateKeyPair("ES256");
	const server = createServer((request, response) => void answer(request, response));

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		if (isAway) return void response.writeHead(503).end();
		response.setHeader("content-type", "application/json");
		if (request.url === "/.well-known/openid-configuration")
			return void response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
		if (request.url !== "/keys") return void response.writeHead(404).end("{}");
		keyRequests += 1;
		const jwk = await exportJWK(pair.publicKey);
		response.end(JSON.stringify({ keys: [{ ...jwk, kid: `key-${number}`, alg: "ES256", use: "sig" }] }));
	}

	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => server.close());
	const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		issuer,
		keyRequests: () => keyRequests,
		sign(claims = {}, { kid = `key-${number}`, alg = "ES256", key } = {}) {
			const now = Math.floor(Date.now() / 1000);
			return new SignJWT({ iss: issuer, aud: "bulkhead", sub: "ann", exp: now + 300, ...claims })
				.setProtectedHeader({ alg, kid })
				.sign(key ?? pair.privateKey);
		},
		async rotate() {
			pair = await generateKeyPair("ES256");
			number += 1;
		},
		setAway(away) {
			isAway = away;
		},
	};
}
