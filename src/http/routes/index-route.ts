import type { IncomingMessage } from "node:http";
import type { Host } from "../../host/host.ts";
import { isServing } from "../../host/runner/module-state.ts";
import { JSON_ANSWER, OPEN, type Operation, type Route } from "../front/route.ts";
import { renderStatusPage } from "./status-page.ts";

export interface IndexRouteOptions {
	readonly host: Host;
	readonly serverInfo: { readonly name: string; readonly version: string };
	/** Whether a request is shown what the modules are. */
	readonly showsModules: (request: IncomingMessage) => boolean;
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
export function indexRoute({ host, serverInfo, showsModules }: IndexRouteOptions): Route {
	const show: Operation["handlers"][number] = (request, response) => {
		const modules = host.modules();
		response.vary("accept");
		if (request.accepts(["json", "html"]) === "html" && showsModules(request)) {
			// The page has no script and loads nothing; a module's error text must not be able to change that.
			response.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
			response.type("html").send(renderStatusPage(serverInfo, modules, host.refused()));
			return;
		}
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
