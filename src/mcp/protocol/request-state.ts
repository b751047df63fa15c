import { randomBytes } from "node:crypto";
import {
	createRequestStateCodec,
	ProtocolError,
	ProtocolErrorCode,
	type ServerContext,
} from "@modelcontextprotocol/server";
import { ownerOf } from "../calls/call.ts";
import { currentOrigin } from "../calls/request-context.ts";
import { isRecord } from "../../../workers/wire/json.ts";

/**
 * Signs the `requestState` of every module. It travels through the client and comes back as whatever the client likes, so
 * the specification (2026-07-28, multi round-trip requests) wants it protected; here the host does it, and a module reads
 * back exactly the text that it returned, or is not called at all.
 */
export interface RequestStateSeal {
	/** For the SDK's `ServerOptions.requestState`; resolves to what `open` takes. */
	readonly verify: (state: string, context: ServerContext) => Promise<unknown>;
	/** @param target what the request is for: state minted by one tool is none for another */
	seal(state: string, target: string, context: ServerContext): Promise<string>;
	/** The module's own text. @throws {ProtocolError} when it was minted for something else */
	open(verified: unknown, target: string): string;
}

/** @param key at least 32 bytes, the same for all replicas; without one, state lives no longer than this process */
export function createRequestStateSeal(key: string | Uint8Array = randomBytes(32)): RequestStateSeal {
	const codec = createRequestStateCodec({
		key,
		ttlSeconds: TTL_SECONDS,
		bind: ({ mcpReq, http }) => `${mcpReq.method}\0${ownerOf(currentOrigin()) ?? http?.authInfo?.clientId ?? ""}`,
	});
	return {
		verify: codec.verify,
		seal: (state, target, context) => codec.mint({ state, target }, context),
		open(verified, target) {
			if (isRecord(verified) && verified["target"] === target && typeof verified["state"] === "string") {
				return verified["state"];
			}
			// Worded as the SDK words it for a wrong signature.
			throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid or expired requestState", {
				reason: "invalid_request_state",
			});
		},
	};
}

/** People answer slowly. */
const TTL_SECONDS = 3600;
