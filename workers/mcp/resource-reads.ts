import { type McpServer, ResourceNotFoundError, type ServerContext } from "@modelcontextprotocol/server";
import { matchTemplate } from "./match-template.ts";

/**
 * Has a resource read by the very string that it is listed under, and gives templates their variables decoded. The SDK (2.4)
 * looks a resource up under what URL parsing makes of its URI, under which it was not registered, and matches templates
 * without decoding. test/workers/mcp/resource-reads.test.ts says when that is over and this can go.
 */
export function readAsListed(server: McpServer): void {
	const own = server as unknown as Partial<ServerInternals>;
	const set = own.setResourceRequestHandlers?.bind(server);
	if (set === undefined || own._registeredResources === undefined) return;
	const resources = own._registeredResources;
	const templates = (): readonly RegisteredTemplate[] => Object.values(own._registeredResourceTemplates ?? {});
	let isSet = false;
	let sdkHandler: ReadHandler | undefined;

	own.setResourceRequestHandlers = () => {
		if (isSet) return;
		isSet = true;
		const { setRequestHandler } = server.server;
		server.server.setRequestHandler = ((method: string, handler: ReadHandler) => {
			if (method === "resources/read") sdkHandler = handler;
			else Reflect.apply(setRequestHandler, server.server, [method, handler]);
		}) as typeof setRequestHandler;
		set();
		server.server.setRequestHandler = setRequestHandler;
		server.server.setRequestHandler("resources/read", (request, context) => read(request, context) as never);
	};

	/** The SDK's handler does the rest, for a resource that it finds under a URI of ours while it is called. */
	async function read(request: ReadRequest, context: ServerContext): Promise<unknown> {
		const found = find(resources, templates(), request.params.uri);
		if (found === undefined || sdkHandler === undefined) throw new ResourceNotFoundError(request.params.uri);
		Object.defineProperty(resources, ALIAS, { value: found, enumerable: false, configurable: true });
		try {
			return sdkHandler({ ...request, params: { ...request.params, uri: ALIAS } }, context);
		} finally {
			Reflect.deleteProperty(resources, ALIAS); // it has been looked up, without an await before
		}
	}
}

const ALIAS = "bulkhead-read:resource";

interface ReadRequest {
	readonly params: { readonly uri: string };
}
type ReadHandler = (request: ReadRequest, context: ServerContext) => Promise<unknown>;
interface Registered {
	readonly enabled: boolean;
	readonly readCallback: (uri: URL, context: ServerContext) => unknown;
}
interface RegisteredTemplate {
	readonly enabled: boolean;
	readonly resourceTemplate: { readonly uriTemplate: { toString(): string } };
	readonly readCallback: (uri: URL, variables: object, context: ServerContext) => unknown;
}
interface ServerInternals {
	readonly _registeredResources: Record<string, Registered>;
	readonly _registeredResourceTemplates: Readonly<Record<string, RegisteredTemplate>>;
	setResourceRequestHandlers(): void;
}

/** The exact spelling first, then what URL parsing makes of it. */
function find(
	resources: Readonly<Record<string, Registered>>,
	templates: readonly RegisteredTemplate[],
	uri: string,
): Registered | undefined {
	const url = URL.parse(uri);
	const given = url ?? uriWithoutForm(uri);
	const key = Object.hasOwn(resources, uri)
		? uri
		: url && Object.keys(resources).find((each) => URL.parse(each)?.href === url.href);
	const resource = typeof key === "string" ? resources[key] : undefined;
	if (resource !== undefined) {
		return { ...resource, readCallback: (_alias, context) => resource.readCallback(given, context) };
	}
	for (const template of templates) {
		const text = template.resourceTemplate.uriTemplate.toString();
		const variables = matchTemplate(text, uri) ?? (url === null ? undefined : matchTemplate(text, url.href));
		if (variables === undefined) continue;
		return { ...template, readCallback: (_alias, context) => template.readCallback(given, variables, context) };
	}
	return undefined;
}

/** For what is listed and is no URL. Its text is all that it has. */
function uriWithoutForm(text: string): URL {
	const url = new URL(`bulkhead-text:${encodeURIComponent(text)}`);
	const read = (): string => text;
	return Object.defineProperties(url, {
		href: { get: read },
		toString: { value: read },
		toJSON: { value: read },
	});
}
