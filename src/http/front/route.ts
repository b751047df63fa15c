import { type RequestHandler, Router } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Scope } from "../../auth/principal.ts";
import { methodNotAllowed } from "./problem.ts";

/** The scope of a route that everybody may use, and whose answer is fit for that. */
export const OPEN = "open";

/** A path, what it answers, and what there is to say of it: the app, its 405s and `/openapi.json` are made of these. */
export interface Route {
	/** As Express writes it: `/metrics/:name`. */
	readonly path: string;
	/** What a principal needs for it, whatever the method. */
	readonly scope: Scope | typeof OPEN;
	/** A kubelet and a load balancer ask for it by whatever name and as often as they like; what they are told, anybody may know. */
	readonly isProbe?: true;
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

/**
 * A router that answers the routes, and what they do not answer with 405.
 *
 * @param isChecked whether the request was let in as one for this route: one that the router reads otherwise than `routeFinder`
 * goes nowhere
 */
export function routerOf(
	routes: readonly Route[],
	isChecked: (request: IncomingMessage, route: Route) => boolean = () => true,
): Router {
	const router = Router();
	for (const checked of routes) {
		const { path, operations, refuseMethod } = checked;
		const route = router.route(path);
		route.all((request, _response, next) => next(isChecked(request, checked) ? undefined : "router"));
		for (const method of METHODS) {
			const operation = operations[method];
			if (operation !== undefined) route[method](...(operation.handlers as RequestHandler[]));
		}
		route.all(refuseMethod ?? methodNotAllowed(...methodsOf(operations)));
	}
	return router;
}

/** Finds the route of a URL as the router will: in any letter case, with a slash at the end or without, whatever the query. */
export function routeFinder(routes: readonly Route[]): (url: string) => Route | undefined {
	const exact = new Map(routes.map((route) => [route.path, route]));
	const patterns = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
	return (url) => {
		const known = exact.get(url); // nearly always
		if (known !== undefined) return known;
		const end = url.search(/[?#]/);
		const path = end < 0 ? url : url.slice(0, end);
		return patterns.find(({ pattern }) => pattern.test(path))?.route;
	};
}

function patternOf(path: string): RegExp {
	const source = path.replace(/[.+^${}()|[\]\\*?]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+");
	return new RegExp(path === "/" ? "^/$" : `^${source}/?$`, "i");
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
