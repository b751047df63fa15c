import type { TestContext } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
	CreateMessageRequestSchema,
	ElicitRequestSchema,
	ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

/** What the clients of tests answer when a module asks. */
export interface ClientAnswers {
	readonly sampled: object;
	readonly roots: object;
	readonly elicited: (params: unknown) => object;
}

const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

/** A client of the 1.x SDK, which has a 2025-era session once it is connected. */
export function oldClient(t: TestContext, answers: ClientAnswers, name = "old"): Client1 {
	const client = new Client1({ name, version: "1" }, { capabilities: CAPABILITIES });
	client.setRequestHandler(CreateMessageRequestSchema, () => answers.sampled as never);
	client.setRequestHandler(ListRootsRequestSchema, () => answers.roots as never);
	client.setRequestHandler(ElicitRequestSchema, ({ params }) => answers.elicited(params) as never);
	t.after(() => client.close());
	return client;
}

/** A client of the 2.x SDK, which speaks the 2026-07-28 revision with whoever knows it. */
export function recentClient(t: TestContext, answers: ClientAnswers): Client2 {
	const client = new Client2(
		{ name: "recent", version: "1" },
		{ capabilities: CAPABILITIES, versionNegotiation: { mode: "auto" } },
	);
	client.setRequestHandler("sampling/createMessage", () => answers.sampled as never);
	client.setRequestHandler("roots/list", () => answers.roots as never);
	client.setRequestHandler("elicitation/create", ({ params }) => answers.elicited(params) as never);
	t.after(() => client.close());
	return client;
}

export function oldTransport(url: string): Transport1 {
	return new Transport1(new URL(`${url}/mcp`));
}

/** Both of them, connected over HTTP. */
export async function connectBoth(
	t: TestContext,
	url: string,
	answers: ClientAnswers,
): Promise<readonly [Client1, Client2]> {
	const old = oldClient(t, answers);
	await old.connect(oldTransport(url) as SdkTransport1);
	const recent = recentClient(t, answers);
	await recent.connect(new Transport2(new URL(`${url}/mcp`)));
	return [old, recent];
}
