import type { Request, Response } from "express";
import type { Host } from "../../host/host.ts";
import { isServing } from "../../host/runner/module-state.ts";
import { JSON_ANSWER, OPEN, type Operation, type Route } from "../front/route.ts";

export interface IndexRouteOptions {
	readonly host: Host;
	readonly serverInfo: { readonly name: string; readonly version: string };
	/** Answers a browser; who may not see modules gets a page without any, which asks for a token. */
	readonly page: (request: Request<Record<string, string>>, response: Response) => Promise<void>;
}

const ENDPOINTS = {
	metrics: "/metrics",
	discovery: "/sd",
	mcp: "/mcp",
	modules: "/api/modules",
	tools: "/api/tools",
	resources: "/api/resources",
	prompts: "/api/prompts",
	execute: "/execute",
	openapi: "/openapi.json",
	health: "/health",
	liveness: "/livez",
	readiness: "/readyz",
} as const;

/** `GET /`: a page for a browser, the same as JSON for everybody else. */
export function indexRoute({ host, serverInfo, page }: IndexRouteOptions): Route {
	const show: Operation["handlers"][number] = async (request, response) => {
		response.vary("accept");
		if (request.accepts(["json", "html"]) === "html") {
			await page(request, response);
			return;
		}
		const modules = host.modules();
		response.json({
			...serverInfo,
			endpoints: ENDPOINTS,
			modules: {
				total: modules.length,
				serving: modules.filter((module) => isServing(module.state)).length,
				metrics: modules.filter((module) => module.id.startsWith("metrics/")).length,
				mcps: modules.filter((module) => module.id.startsWith("mcps/")).length,
			},
		});
	};
	return {
		path: "/",
		scope: OPEN,
		operations: {
			get: {
				summary: "The status page for a browser; the endpoints and how many modules serve as JSON for others",
				handlers: [show],
				answers: { 200: { description: "JSON, or HTML where that is preferred", type: JSON_ANSWER } },
			},
		},
	};
}
