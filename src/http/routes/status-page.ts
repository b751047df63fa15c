import type { ModuleStatus } from "../../host/host.ts";
import type { RefusedFile } from "../../host/sources/listing.ts";

/** The status page: every module, its state, and what is wrong with it. Plain HTML that works without a script. */
export function renderStatusPage(
	serverInfo: { readonly name: string; readonly version: string },
	modules: readonly ModuleStatus[],
	refused: readonly RefusedFile[],
): string {
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>${escape(serverInfo.name)}</title>
<style>${STYLE}</style>
<h1>${escape(serverInfo.name)} <small>${escape(serverInfo.version)}</small></h1>
<p><a href="/metrics">/metrics</a> <a href="/api/modules">/api/modules</a> <a href="/health">/health</a> <code>/mcp</code> <code>POST /execute</code></p>
<table>
<thead><tr><th>Module<th>State<th>Generation<th>Serving since<th>Restarts<th>Problem</thead>
<tbody>
${modules.map(row).join("\n")}
</tbody>
</table>
${modules.length === 0 ? "<p>No modules yet: save a file into the metrics or the mcps folder.</p>" : ""}
${refused.length === 0 ? "" : `<h2>Files that are not loaded</h2><ul>${refused.map((file) => `<li><code>${escape(file.file)}</code> ${escape(file.problem)}`).join("")}</ul>`}
</html>
`;
}

function row(module: ModuleStatus): string {
	const restarts = Object.entries(module.restarts).map(([reason, count]) => `${count} ${reason}`);
	return `<tr><td><a href="/api/modules/${escape(module.id)}">${escape(module.id)}</a><td class="${module.state}">${module.state}<td>${module.generation}<td>${
		module.startedAt === undefined ? "" : when(module.startedAt)
	}<td>${escape(restarts.join(", "))}<td>${problem(module)}`;
}

function problem({ loadError, lastRestart, nextAttemptAt }: ModuleStatus): string {
	const shown = loadError ?? lastRestart?.problem;
	const next = nextAttemptAt === undefined ? "" : ` <small>next attempt ${when(nextAttemptAt)}</small>`;
	if (shown === undefined) return next;
	const place =
		shown.file === undefined ? "" : `<code>${escape(`${shown.file}:${shown.line}:${shown.column}`)}</code> `;
	const frame = shown.frame === undefined ? "" : `<pre>${escape(shown.frame)}</pre>`;
	return `${place}${escape(shown.message)}${next}${frame}`;
}

/** A time that people read: UTC, to the second. */
function when(at: number): string {
	return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

function escape(text: string): string {
	return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 small { font-weight: normal; opacity: .6; }
p a, p code { margin-right: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; }
td.running { color: #2a8a3e; } td.degraded, td.restarting, td.starting { color: #b07400; } td.quarantined, td.failed { color: #c62828; }
td:not(:last-child) { white-space: nowrap; }
pre { overflow-x: auto; }
`;
