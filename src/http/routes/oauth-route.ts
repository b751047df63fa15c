import type { IncomingMessage } from "node:http";
import { SCOPES } from "../../auth/principal.ts";
import { JSON_ANSWER, OPEN, type Route } from "../front/route.ts";

export interface OAuthRoutesOptions {
	readonly issuer: string;
	/** Where clients find the host, if the operator has said so. */
	readonly publicUrl: string | undefined;
}

/**
 * OAuth 2 protected-resource metadata (RFC 9728): who issues the tokens for this host. A client that looks for a path's own
 * finds that of `/mcp`, which is the one that MCP clients ask for.
 */
export function oauthRoutes({ issuer, publicUrl }: OAuthRoutesOptions): readonly Route[] {
	return ["", "/mcp"].map((resourcePath) => ({
		path: `${METADATA_PATH}${resourcePath}`,
		scope: OPEN,
		operations: {
			get: {
				summary: "Who issues the tokens that this host takes (RFC 9728)",
				handlers: [
					(request, response) => {
						response.set("cache-control", "public, max-age=3600");
						response.json({
							resource: `${publicUrl ?? baseOf(request)}${resourcePath}`,
							authorization_servers: [issuer],
							scopes_supported: resourcePath === "" ? SCOPES : ["mcp"],
							bearer_methods_supported: ["header"],
							resource_name: "Bulkhead",
						});
					},
				],
				answers: { 200: { description: "The metadata", type: JSON_ANSWER } },
			},
		},
	}));
}

/** Where the metadata of what was asked for is. */
export function metadataUrl(request: IncomingMessage, publicUrl: string | undefined): string {
	const path = /^\/mcp\/?(?:[?#]|$)/i.test(request.url ?? "") ? `${METADATA_PATH}/mcp` : METADATA_PATH;
	return `${publicUrl ?? baseOf(request)}${path}`;
}

const METADATA_PATH = "/.well-known/oauth-protected-resource";

/** As the client has called us, which the admission has checked. */
function baseOf({ headers, socket }: IncomingMessage): string {
	return `${"encrypted" in socket ? "https" : "http"}://${headers.host}`;
}
