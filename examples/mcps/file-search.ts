// Finds text in the files of one folder, which the operator grants. A path that leads out of it is refused by the sandbox.
//   plugins.yaml: mcps/file-search: { env: { SEARCH_ROOT: /srv/docs }, permissions: { read: [/srv/docs] } }

import { readFile, glob } from "node:fs/promises";
import { join } from "node:path";
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ModuleContext } from "../../workers/contract.ts";

const MOST_HITS = 50;
const MOST_FILES = 5000;

export default function register(server: McpServer, { env }: ModuleContext): void {
	const root = env["SEARCH_ROOT"];
	server.registerTool(
		"file_search",
		{
			description: "Lines of the granted folder's files that contain a text",
			inputSchema: z.object({
				text: z.string().min(1).describe("What to look for; upper and lower case are the same"),
				files: z.string().default("**/*.{md,txt,yaml,yml,json}").describe("Which files, as a glob"),
			}),
			annotations: { readOnlyHint: true },
		},
		async ({ text, files }, { mcpReq }) => {
			if (root === undefined) throw new Error("SEARCH_ROOT is not set: name the folder in plugins.yaml");
			const wanted = text.toLowerCase();
			const hits: string[] = [];
			let read = 0;
			for await (const file of glob(files, { cwd: root })) {
				mcpReq.signal.throwIfAborted();
				if (++read > MOST_FILES || hits.length >= MOST_HITS) break;
				const lines = (await readFile(join(root, file), "utf8").catch(() => "")).split("\n");
				for (const [index, line] of lines.entries())
					if (line.toLowerCase().includes(wanted)) hits.push(`${file}:${index + 1}: ${line.trim().slice(0, 200)}`);
			}
			return { content: [{ type: "text", text: hits.slice(0, MOST_HITS).join("\n") || "nothing was found" }] };
		},
	);
}
