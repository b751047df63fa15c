// The history of one repository. Starts `git`, so it runs in a process of its own and needs the grant to start programs.
//   plugins.yaml: mcps/git-log: { isolation: process, env: { GIT_REPOSITORY: /srv/repo }, permissions: { childProcess: true, read: [/srv/repo] } }

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ModuleContext } from "../../workers/contract.ts";

const run = promisify(execFile);

export default function register(server: McpServer, { env }: ModuleContext): void {
	server.registerTool(
		"git_log",
		{
			description: "Commits of the repository, the newest first",
			inputSchema: z.object({
				count: z.int().min(1).max(200).default(20),
				author: z.string().optional().describe("Only of this author"),
				path: z.string().optional().describe("Only those that touched this path"),
			}),
			annotations: { readOnlyHint: true },
		},
		async ({ count, author, path }, { mcpReq }) => {
			const repository = env["GIT_REPOSITORY"];
			if (repository === undefined) throw new Error("GIT_REPOSITORY is not set: name the folder in plugins.yaml");
			// Each value is an argument of its own, behind `=` or `--`: nothing in it is read as an option.
			const filters = [
				...(author === undefined ? [] : [`--author=${author}`]),
				"--",
				...(path === undefined ? [] : [path]),
			];
			const format = ["--date=iso-strict", "--format=%h %ad %an: %s", `--max-count=${count}`];
			const safe = ["-c", `safe.directory=${repository}`, "-C", repository];
			const { stdout } = await run("git", [...safe, "log", ...format, ...filters], { signal: mcpReq.signal });
			return { content: [{ type: "text", text: stdout.trim() || "no commit fits" }] };
		},
	);
}
