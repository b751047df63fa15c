import { isRecord } from "../../../workers/wire/json.ts";
import { hostApi, type HostApi } from "../host/host-api.ts";
import type { HostAddress } from "../host/host-options.ts";
import { withMcpClient } from "../host/mcp-client.ts";
import type { ModulesView } from "../host/views.ts";
import { problemOf } from "../host/module-problem.ts";
import { type CheckResult, tried } from "./check-result.ts";
import { pageProblem } from "./strict-page.ts";

/** Every route of a host that runs, its page, and one call, read and prompt of what it lists, all without a lasting effect. */
export async function checkHost(address: HostAddress): Promise<readonly CheckResult[]> {
	const api = hostApi(address);
	const document = await api.get<{ paths: Readonly<Record<string, object>> }>("/openapi.json");
	const paths = Object.entries(document.paths).filter(([path, item]) => "get" in item && !/[{:]|^\/mcp/.test(path));
	const results: CheckResult[] = [];
	for (const [path] of paths) results.push(await tried(`GET ${path}`, () => routeOf(api, path)));
	results.push(
		await tried("metrics page", () => pageOf(api)),
		await tried("modules", () => modulesOf(api)),
		...(await mcpChecks(address)),
	);
	return results;
}

async function routeOf(api: HostApi, path: string): Promise<string> {
	const startedAt = performance.now();
	const response = await api.open(path, { signal: AbortSignal.timeout(ROUTE_TIMEOUT_MS) });
	if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
		await response.body?.cancel(); // it never ends by itself
		return `${response.status}, a stream of events`;
	}
	const bytes = (await response.arrayBuffer()).byteLength;
	return `${response.status}, ${bytes} bytes in ${(performance.now() - startedAt).toFixed(0)} ms`;
}

const ROUTE_TIMEOUT_MS = 15_000;

async function pageOf(api: HostApi): Promise<string> {
	const page = await api.open("/metrics").then((response) => response.text());
	const problem = pageProblem(page);
	if (problem !== undefined) throw new Error(problem);
	return `${page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length} series, each line as it must be`;
}

async function modulesOf(api: HostApi): Promise<string> {
	const { modules } = await api.get<ModulesView>("/api/modules");
	const problems = modules.flatMap((module) => {
		const problem = problemOf(module);
		return problem === undefined ? [] : [`${module.id} is ${module.state}: ${problem}`];
	});
	if (problems.length > 0) throw new Error(problems.join("\n"));
	return `${modules.length}, and nothing is wrong with them`;
}

async function mcpChecks(address: HostAddress): Promise<CheckResult[]> {
	const connected = await tried("MCP", () =>
		withMcpClient(address, async (client) => `revision ${client.getNegotiatedProtocolVersion() ?? "unknown"}`),
	);
	if (connected.status === "failed") return [connected];
	return withMcpClient(address, async (client) => {
		const { tools } = await client.listTools();
		// Nobody wants a doctor that deletes something: a tool must say that it only reads.
		const tool = tools.find(
			({ annotations, inputSchema }) => annotations?.readOnlyHint === true && (inputSchema.required ?? []).length === 0,
		);
		const { resources } = await client.listResources();
		const [resource] = resources;
		const { prompts } = await client.listPrompts();
		const prompt = prompts.find((each) => !(each.arguments ?? []).some(({ required }) => required === true));
		return [
			connected,
			tool === undefined
				? skipped("call", `of ${tools.length} tools none says readOnlyHint and needs no arguments`)
				: await tried(`call ${tool.name}`, async () => {
						const result: unknown = await client.callTool({ name: tool.name, arguments: {} });
						if (isRecord(result) && result["isError"] === true) throw new Error(JSON.stringify(result["content"]));
						return "answered";
					}),
			resource === undefined
				? skipped("read", "there are no resources")
				: await tried(`read ${resource.uri}`, async () => {
						const { contents } = await client.readResource({ uri: resource.uri });
						return `${contents.length} contents`;
					}),
			prompt === undefined
				? skipped("prompt", `of ${prompts.length} prompts none needs no arguments`)
				: await tried(`prompt ${prompt.name}`, async () => {
						const { messages } = await client.getPrompt({ name: prompt.name });
						return `${messages.length} messages`;
					}),
		];
	});
}

function skipped(check: string, detail: string): CheckResult {
	return { check, status: "skipped", detail };
}
