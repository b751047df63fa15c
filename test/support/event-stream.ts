import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Message } from "./mcp-post.ts";

/** A session's client that reads its event stream. */
export interface Listening {
	readonly session: string;
	readonly messages: readonly Message[];
	lastEventId(): string;
	close(): Promise<void>;
}

/** Opens a session's event stream; resolves when it is open. */
export async function listen(t: TestContext, url: string, session: string, lastEventId?: string): Promise<Listening> {
	const controller = new AbortController();
	t.after(() => controller.abort());
	const response = await fetch(`${url}/mcp`, {
		headers: {
			accept: "text/event-stream",
			"mcp-session-id": session,
			...(lastEventId !== undefined && { "last-event-id": lastEventId }),
		},
		signal: controller.signal,
	});
	assert.equal(response.status, 200);
	const messages: Message[] = [];
	let text = "";
	let lastId = "";
	const read = (async () => {
		for await (const chunk of response.body ?? []) {
			text += Buffer.from(chunk).toString();
			const end = text.lastIndexOf("\n\n") + 1;
			for (const [, field, value = ""] of text.slice(0, end).matchAll(/^(id|data): (.*)$/gm)) {
				if (field === "id") lastId = value;
				else if (value !== "") messages.push(JSON.parse(value) as Message);
			}
			text = text.slice(end);
		}
	})().catch(() => undefined); // closed by us
	return {
		session,
		messages,
		lastEventId: () => lastId,
		async close() {
			controller.abort();
			await read;
		},
	};
}
