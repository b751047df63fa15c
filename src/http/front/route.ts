import { type RequestHandler, Router } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import { methodNotAllowed } from "./problem.ts";

/** A path, what it answers, and what there is to say of it: the app, its 405s and `/openapi.json` are made of these. */
export interface Route {
	/** As Express writes it: `/metrics/:name`. */
	readonly path: string;
	/** GET answers HEAD too. */
	readonly operations: Readonly<Partial<Record<Method, Operation>>>;
	/** Answers the other methods; default: with a problem. */
	readonly refuseMethod?: (request: IncomingMessage, response: ServerResponse) => void;
}

export type Method = "get" | "post" | "delete";

export interface Operation {
	readonly summary: string;
	readonly handlers: readonly RequestHandler<Record<string, string>>[];
	readonly query?: readonly Parameter[];
	/** JSON schema of a JSON body. */
	readonly body?: Readonly<Record<string, unknown>>;
	/** By status; `type` is the media type, none where there is no body. */
	readonly answers: Readonly<Record<number, Answer>>;
}

export interface Parameter {
	readonly name: string;
	readonly description: string;
	readonly schema: Readonly<Record<string, unknown>>;
}

export interface Answer {
	readonly description: string;
	readonly type?: string;
}

/** A router that answers the routes, and what they do not answer with 405. */
export function routerOf(routes: readonly Route[]): Router {
	const router = Router();
	for (const { path, operations, refuseMethod } of routes) {
		const route = router.route(path);
		for (const method of METHODS) {
			const operation = operations[method];
			if (operation !== undefined) route[method](...(operation.handlers as RequestHandler[]));
		}
		route.all(refuseMethod ?? methodNotAllowed(...methodsOf(operations)));
	}
	return router;
}

function methodsOf(operations: Route["operations"]): string[] {
	return METHODS.filter((method) => operations[method] !== undefined).flatMap((method) =>
		method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()],
	);
}

const METHODS = ["get", "post", "delete"] as const;
/** What most routes say. */
export const JSON_ANSWER = "application/json";
export const PROBLEM: Answer = { description: "What is wrong, and what to do", type: "application/problem+json" };
