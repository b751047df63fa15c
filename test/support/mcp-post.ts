/** A request to `/mcp` as a client of its own making sends it. */
export interface PostOptions {
	readonly session?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly signal?: AbortSignal;
}

export function post(url: string, message: unknown, options: PostOptions = {}): Promise<Response> {
	return fetch(`${url}/mcp`, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			accept: "application/json, text/event-stream",
			...(options.session !== undefined && { "mcp-session-id": options.session }),
			...options.headers,
		},
		body: typeof message === "string" ? message : JSON.stringify(message),
		...(options.signal !== undefined && { signal: options.signal }),
	});
}

/** A `tools/call` of the 2026-07-28 revision, with the envelope and the headers that it needs. */
export function postModernCall(
	url: string,
	params: ModernParams & { readonly name: string },
	options: ClientOptions = {},
): Promise<Response> {
	return postModern(url, "tools/call", params.name, params, options);
}

/** @param name what the `Mcp-Name` header repeats: the tool's name, the task's id */
export function postModern(
	url: string,
	method: string,
	name: string | undefined,
	params: ModernParams,
	options: ClientOptions = {},
): Promise<Response> {
	const _meta = {
		...params._meta,
		"io.modelcontextprotocol/protocolVersion": "2026-07-28",
		"io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
		"io.modelcontextprotocol/clientCapabilities": options.capabilities ?? {},
	};
	const headers = {
		"mcp-protocol-version": "2026-07-28",
		"mcp-method": method,
		...(name !== undefined && { "mcp-name": name }),
	};
	const message = { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } };
	return post(url, message, { ...options, headers: { ...headers, ...options.headers } });
}

type ModernParams = Readonly<Record<string, unknown>> & { readonly _meta?: object };
type ClientOptions = PostOptions & { readonly capabilities?: object };

/** Opens a 2025-era session. @returns the response, read to its end, and the session's id where there is one */
export async function openSession(
	url: string,
	{
		capabilities = {},
		protocolVersion = "2025-11-25",
		...options
	}: ClientOptions & { readonly protocolVersion?: string } = {},
): Promise<{ readonly status: number; readonly session: string; readonly retryAfter: string | null }> {
	const params = { protocolVersion, capabilities, clientInfo: { name: "test", version: "1" } };
	const response = await post(url, { jsonrpc: "2.0", id: 0, method: "initialize", params }, options);
	await response.text();
	return {
		status: response.status,
		session: response.headers.get("mcp-session-id") ?? "",
		retryAfter: response.headers.get("retry-after"),
	};
}

export function toolCall(name: string, args: Readonly<Record<string, unknown>> = {}, id: number | string = 1): object {
	return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } };
}

/** The messages in an answer, whether it came as JSON or as an event stream. */
export async function messagesOf(response: Response): Promise<readonly Message[]> {
	const text = await response.text();
	if (response.headers.get("content-type")?.startsWith("application/json") === true)
		return [JSON.parse(text) as Message];
	return [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? "") as Message);
}

export interface Message {
	readonly id?: unknown;
	readonly method?: string;
	readonly params?: Readonly<Record<string, unknown>>;
	readonly result?: {
		readonly content?: readonly { readonly text?: string }[];
		readonly isError?: boolean;
		readonly resultType?: string;
		readonly requestState?: string;
		readonly capabilities?: { readonly extensions?: object };
		readonly taskId?: string;
		readonly status?: string;
		readonly result?: object;
	};
	readonly error?: {
		readonly code: number;
		readonly message: string;
		readonly data?: Readonly<Record<string, unknown>>;
	};
}
