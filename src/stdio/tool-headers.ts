import type { JSONRPCErrorResponse, JSONRPCRequest, JSONRPCResultResponse } from "@modelcontextprotocol/server";
import { paramHeadersOf } from "../mcp/http/param-headers.ts";
import { type ListedDto, readEntries } from "../../workers/wire/catalog.ts";

type Answer = JSONRPCResultResponse | JSONRPCErrorResponse;

/** The headers that tools want some of their arguments in, learnt from the host when it first refuses a call without them. */
export interface ToolHeaders {
	of(message: JSONRPCRequest): Readonly<Record<string, string>>;
	areMissing(message: JSONRPCRequest, answer: Answer): boolean;
	/** Reads the tools' schemas, in the words and with the rights of the client's own call. */
	learn(call: JSONRPCRequest, signal: AbortSignal): Promise<void>;
}

/** @param list asks the host for one page of its tools */
export function createToolHeaders(
	list: (params: NonNullable<JSONRPCRequest["params"]>, signal: AbortSignal) => Promise<Answer>,
): ToolHeaders {
	let tools: readonly ListedDto[] = [];
	return {
		of: ({ method, params }) =>
			method === "tools/call" ? paramHeadersOf(tools, String(params?.["name"]), params?.["arguments"]) : {},
		areMissing: ({ method }, answer) =>
			method === "tools/call" && "error" in answer && answer.error.code === HEADER_MISMATCH,
		async learn({ params }, signal) {
			const learnt: ListedDto[] = [];
			let cursor: unknown;
			for (let page = 0; page < MAX_PAGES; page++) {
				const answer = await list({ _meta: params?._meta, ...(cursor !== undefined && { cursor }) }, signal);
				if (!("result" in answer)) return;
				learnt.push(...readEntries(answer.result["tools"]));
				cursor = answer.result["nextCursor"];
				if (cursor === undefined) break;
			}
			tools = learnt;
		},
	};
}

/** With 250 entries in a page of ours, more tools than any client can use. */
const MAX_PAGES = 100;
const HEADER_MISMATCH = -32020;
