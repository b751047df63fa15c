import { escapeHtml, node, type PageChild, toHtml } from "./view/node.ts";
import type { PageAssets } from "./assets.ts";

/** One whole document; all of its links are relative, so that it works under any prefix. */
export interface PageDocument {
	readonly title: string;
	/** What the script makes of it: `overview`, `module`, `connect`. */
	readonly page: string;
	readonly moduleId?: string | undefined;
	/** From the document to the host's root: `./` or `../../`. */
	readonly root: string;
	readonly content: readonly PageChild[];
}

export function writeDocument({ title, page, moduleId, root, content }: PageDocument, assets: PageAssets): string {
	const links = [
		["overview", "Modules", root],
		["connect", "Connect", `${root}connect`],
	] as const;
	const body = node(
		"body",
		{ "data-page": page, "data-root": root, "data-module": moduleId },
		node("a", { href: "#main", class: "skip" }, "Skip to content"),
		node(
			"div",
			{ class: "top", role: "banner" },
			node("a", { href: root, class: "brand" }, "Bulkhead"),
			node(
				"nav",
				{ "aria-label": "Pages" },
				links.map(([name, text, href]) =>
					node("a", { href, "aria-current": name === page ? "page" : undefined }, text),
				),
			),
			node("span", { id: "live", class: "live", "data-own": true }, ""),
			node("button", { type: "button", id: "sign-out", "data-action": "sign-out", class: "hidden" }, "Sign out"),
		),
		node("p", { id: "news", role: "status", "aria-live": "polite", class: "hidden" }),
		node("main", { id: "main", tabindex: "-1" }, content),
	);
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${root}assets/${assets.style.name}">
<script type="module" src="${root}assets/${assets.script.name}"></script>
</head>
${toHtml(body)}
</html>
`;
}

/** A wall between two rooms. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
	'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d5fd1"/><path d="M5 3v10M8 3v10M11 3v10" stroke="#fff" stroke-width="1.6"/></svg>',
)}`;

/** Nothing from elsewhere, nothing inline: what a module writes cannot become a script even if it became markup. */
export const PAGE_POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"connect-src 'self'",
	"img-src 'self' data:",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
].join("; ");
