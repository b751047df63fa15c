import { type Answer, JSON_ANSWER, OPEN, type Operation, type Route } from "../front/route.ts";

export interface OpenApiOptions {
	readonly version: string;
	/** Where clients find the host, if the operator has said so. */
	readonly publicUrl: string | undefined;
}

/** `GET /openapi.json`: the routes as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1). */
export function openApiRoute(routes: readonly Route[], options: OpenApiOptions): Route {
	const own: Route = {
		path: "/openapi.json",
		scope: OPEN,
		operations: {
			get: {
				summary: "The routes, as OpenAPI 3.1",
				handlers: [(_request, response) => void response.json(document)],
				answers: { 200: { description: "This document", type: JSON_ANSWER } },
			},
		},
	};
	const document = describeRoutes([...routes, own], options);
	return own;
}

function describeRoutes(routes: readonly Route[], { version, publicUrl }: OpenApiOptions): Record<string, unknown> {
	return {
		openapi: "3.1.0",
		info: { title: "Bulkhead", version, description: "A worker-thread isolated plugin host" },
		...(publicUrl !== undefined && { servers: [{ url: publicUrl }] }),
		paths: Object.fromEntries(routes.map((route) => [route.path.replaceAll(PARAMETER, "{$1}"), describePath(route)])),
		components: { schemas: { Problem: PROBLEM_SCHEMA } },
	};
}

const PARAMETER = /:(\w+)/g;

/** RFC 9457, as every route answers what it cannot do. */
const PROBLEM_SCHEMA = {
	type: "object",
	required: ["type", "title", "status", "code", "detail"],
	properties: {
		type: { type: "string" },
		title: { type: "string" },
		status: { type: "integer" },
		code: { type: "string", description: "For programs" },
		detail: { type: "string", description: "What to do" },
	},
};

function describePath({ path, operations }: Route): Record<string, unknown> {
	const parameters = [...path.matchAll(PARAMETER)].map(([, name]) => ({
		name,
		in: "path",
		required: true,
		schema: { type: "string" },
	}));
	return {
		...(parameters.length > 0 && { parameters }),
		...Object.fromEntries(
			Object.entries(operations).map(([method, operation]) => [method, describeOperation(method, path, operation)]),
		),
	};
}

function describeOperation(method: string, path: string, operation: Operation): Record<string, unknown> {
	const { summary, query = [], body, answers } = operation;
	return {
		operationId: [method, ...path.split(/[^\w]+/)].filter(Boolean).join("_"),
		summary,
		...(query.length > 0 && { parameters: query.map((parameter) => ({ ...parameter, in: "query" })) }),
		...(body !== undefined && { requestBody: { required: true, content: { [JSON_ANSWER]: { schema: body } } } }),
		responses: Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
	};
}

function describeAnswer({ description, type }: Answer): Record<string, unknown> {
	if (type === undefined) return { description };
	const schema = type === "application/problem+json" ? { $ref: "#/components/schemas/Problem" } : {};
	return { description, content: { [type]: { schema } } };
}
