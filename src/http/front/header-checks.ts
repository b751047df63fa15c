import type { IncomingMessage } from "node:http";
import { validateHostHeader, validateOriginHeader } from "@modelcontextprotocol/server";
import type { RequestHandler } from "express";
import type { HostConfig } from "../../config/config.ts";
import { refuse } from "../../mcp/protocol/http-exchange.ts";
import { isMcpPath, sendProblem } from "./problem.ts";

/** Looks at the head of a request that has come in, on whatever route. Returns why it is refused, or undefined. */
export type Gate = (request: IncomingMessage) => string | undefined;

/** The checks that every request has to pass (DNS rebinding, requests from other sites), as the SDK defines them. */
export function createGates({
	allowedHosts,
	allowedOrigins,
}: Pick<HostConfig, "allowedHosts" | "allowedOrigins">): readonly Gate[] {
	const hosts = [...allowedHosts];
	const origins = [...allowedOrigins];
	const gates: Gate[] = [];
	if (!hosts.includes(ANY)) {
		gates.push(
			remembering(
				(host) => refusalOf(validateHostHeader(host, hosts)),
				({ headers }) => headers.host,
			),
		);
	}
	if (!origins.includes(ANY)) {
		gates.push(
			remembering(
				(origin) => refusalOf(validateOriginHeader(origin, origins)),
				({ headers }) => headers.origin,
			),
		);
	}
	return gates;
}

/** Refuses what does not pass with 403, before any route, in the words of the route that was asked for. */
export function createGatekeeper(gates: readonly Gate[]): RequestHandler {
	return (request, response, next) => {
		for (const gate of gates) {
			const message = gate(request);
			if (message === undefined) continue;
			if (isMcpPath(request)) return refuse(response, 403, message);
			return sendProblem(response, 403, "Forbidden", message);
		}
		next();
	};
}

/** In `ALLOWED_HOSTS` and `ALLOWED_ORIGINS`. */
const ANY = "*";

/** The header that passed last is let through without another look: nearly all requests carry the same. */
function remembering(
	check: (value: string | undefined) => string | undefined,
	read: (request: IncomingMessage) => string | undefined,
): Gate {
	let passed: { readonly value: string | undefined } | undefined;
	return (request) => {
		const value = read(request);
		if (passed !== undefined && passed.value === value) return undefined;
		const refusal = check(value);
		if (refusal === undefined) passed = { value };
		return refusal;
	};
}

function refusalOf(
	result: { readonly ok: true } | { readonly ok: false; readonly message: string },
): string | undefined {
	return result.ok ? undefined : result.message;
}
