// A tool with a full schema: limits, a closed list with a default, and a result that says what it holds. What a schema
// refuses never reaches the tool; the client is told why.

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ModuleContext } from "../workers/contract.ts";

const GREETINGS = { en: "Hello", es: "Hola", fr: "Bonjour", de: "Guten Tag", ja: "こんにちは" } as const;
const Language = z.enum(["en", "es", "fr", "de", "ja"]);

export default function register(server: McpServer, { log }: ModuleContext): void {
	server.registerTool(
		"hello_world",
		{
			description: "A simple greeting tool that says hello in different languages",
			inputSchema: z.object({
				name: z.string().min(1).max(100).describe("Name to greet"),
				language: Language.default("en").describe("Language code (en, es, fr, de, ja)"),
			}),
			outputSchema: z.object({
				success: z.boolean(),
				message: z.string(),
				language: Language,
				supported_languages: z.array(Language),
			}),
			annotations: { readOnlyHint: true },
		},
		({ name, language }) => {
			const message = `${GREETINGS[language]}, ${name}!`;
			log.info(`greeted somebody in ${language}`);
			const structuredContent = { success: true, message, language, supported_languages: Language.options };
			return { content: [{ type: "text", text: message }], structuredContent };
		},
	);
}
