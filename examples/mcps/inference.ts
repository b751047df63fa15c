// Asks a language model behind any server that speaks the OpenAI chat protocol, and measures it. Without a server the
// tool says what to set.
//   plugins.yaml: mcps/inference: { env: [MODEL_URL, MODEL_NAME, MODEL_TOKEN] }   # http://127.0.0.1:11434/v1, and so on

import type { McpServer } from "@modelcontextprotocol/server";
import { Counter, Histogram } from "prom-client";
import * as z from "zod";
import type { ModuleContext } from "../../workers/contract.ts";

const duration = new Histogram({
	name: "mcp_neural_inference_duration_seconds",
	help: "Time to the whole answer of a model",
	labelNames: ["model", "operation"],
	buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
});
const tokens = new Counter({
	name: "mcp_neural_tokens_processed_total",
	help: "Tokens by direction, as the server counts them",
	labelNames: ["model", "direction"],
});

const Answer = z.object({
	choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
	usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).optional(),
});

export default function register(server: McpServer, { env }: ModuleContext): void {
	const model = env["MODEL_NAME"] ?? "default";
	server.registerTool(
		"ask_model",
		{
			description: "One answer of the language model that this host is connected to",
			inputSchema: z.object({
				prompt: z.string().min(1).max(32_768),
				maxTokens: z.int().min(1).max(8192).default(512),
			}),
			annotations: { openWorldHint: true },
		},
		async ({ prompt, maxTokens }, { mcpReq }) => {
			const url = env["MODEL_URL"];
			if (url === undefined) return failed("no model is connected: grant MODEL_URL to mcps/inference in plugins.yaml");
			const stopTimer = duration.startTimer({ model, operation: "chat" });
			try {
				const response = await fetch(`${url}/chat/completions`, {
					method: "POST",
					headers: {
						"content-type": "application/json",
						...(env["MODEL_TOKEN"] !== undefined && { authorization: `Bearer ${env["MODEL_TOKEN"]}` }),
					},
					body: JSON.stringify({ model, max_tokens: maxTokens, messages: [{ role: "user", content: prompt }] }),
					signal: mcpReq.signal,
				});
				if (!response.ok) return failed(`the model's server answered ${response.status}`);
				const { choices, usage } = Answer.parse(await response.json());
				tokens.inc({ model, direction: "input" }, usage?.prompt_tokens ?? 0);
				tokens.inc({ model, direction: "output" }, usage?.completion_tokens ?? 0);
				return { content: [{ type: "text", text: choices[0]?.message.content ?? "" }] };
			} finally {
				stopTimer();
			}
		},
	);
}

function failed(text: string) {
	return { content: [{ type: "text" as const, text }], isError: true };
}
