import { node, type PageNode } from "./node.ts";

/** Where clients reach the host, and what each needs to be told: text to copy, made for the address the viewer uses. */
export function connectView(baseUrl: string): readonly PageNode[] {
	const url = baseUrl.replace(/\/+$/, "");
	return [
		node(
			"header",
			{ class: "hero", "data-key": "hero" },
			node("h1", {}, "Connect"),
			node("p", { class: "muted" }, "What to tell each client. Where authentication is on, add a token of your own."),
		),
		...configurations(url).map(({ name, where, text }, index) =>
			node(
				"section",
				{ "data-key": name, "aria-labelledby": `client-${index}` },
				node("h2", { id: `client-${index}` }, name),
				node("p", { class: "muted" }, where),
				node(
					"div",
					{ class: "copyable" },
					node(
						"pre",
						{ class: "code", id: `text-${index}`, tabindex: 0, role: "region", "aria-label": `For ${name}` },
						text,
					),
					node(
						"button",
						{ type: "button", "data-action": "copy", "data-from": `text-${index}` },
						"Copy",
						node("span", { class: "hidden" }, ` for ${name}`),
					),
				),
			),
		),
		node(
			"section",
			{ "data-key": "endpoints", "aria-labelledby": "endpoints" },
			node("h2", { id: "endpoints" }, "Endpoints"),
			node(
				"ul",
				{},
				ENDPOINTS.map(([path, what]) => node("li", {}, node("a", { href: path }, path), ` ${what}`)),
			),
		),
		node("p", { role: "status", id: "copied", "data-own": true, "data-key": "copied", class: "hidden" }),
	];
}

const ENDPOINTS = [
	["metrics", "all metrics, for Prometheus"],
	["sd", "each metric module as a target, for http_sd_configs"],
	["api/modules", "every module as JSON"],
	["api/tools", "every tool with its schema"],
	["openapi.json", "the routes, as OpenAPI 3.1"],
	["health", "a summary for people and load balancers"],
] as const;

interface Configuration {
	readonly name: string;
	readonly where: string;
	readonly text: string;
}

function configurations(url: string): readonly Configuration[] {
	const { host, protocol, pathname } = new URL(url);
	const mcp = `${url}/mcp`;
	return [
		{
			name: "Prometheus",
			where: "In prometheus.yml, under scrape_configs:",
			text: [
				"- job_name: bulkhead",
				...(protocol === "https:" ? ["  scheme: https"] : []),
				...(pathname === "/" ? [] : [`  metrics_path: ${JSON.stringify(`${pathname}/metrics`)}`]),
				"  static_configs:",
				`    - targets: [${JSON.stringify(host.includes(":") ? host : `${host}:${protocol === "https:" ? 443 : 80}`)}]`,
			].join("\n"),
		},
		{ name: "Claude Code", where: "In a terminal:", text: `claude mcp add --transport http bulkhead ${mcp}` },
		{
			name: "Claude Desktop",
			where: "In claude_desktop_config.json; it starts the bridge, which needs Node:",
			text: json({
				mcpServers: { bulkhead: { command: "npx", args: ["-y", "bulkhead-host", "stdio", "--url", mcp] } },
			}),
		},
		{ name: "Cursor", where: "In ~/.cursor/mcp.json:", text: json({ mcpServers: { bulkhead: { url: mcp } } }) },
		{
			name: "VS Code",
			where: "In .vscode/mcp.json:",
			text: json({ servers: { bulkhead: { type: "http", url: mcp } } }),
		},
		{ name: "Codex", where: "In ~/.codex/config.toml:", text: `[mcp_servers.bulkhead]\nurl = ${JSON.stringify(mcp)}` },
	];
}

function json(value: unknown): string {
	return JSON.stringify(value, undefined, 2);
}
