import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler, Response } from "express";
import { sendProblem } from "../front/problem.ts";
import { OPEN, type Operation, PROBLEM, type Route } from "../front/route.ts";
import { pageAssets } from "./assets.ts";
import { type PageDocument, PAGE_POLICY, writeDocument } from "./documents.ts";
import type { LiveFeed } from "./live-feed.ts";
import { OVERVIEW, type PageSources, readEntries } from "./page-entries.ts";
import { connectView } from "./view/connect.ts";
import { moduleView } from "./view/module-view.ts";
import { type Filter, FILTERS, overview } from "./view/overview.ts";

export interface PageRoutesOptions {
	readonly sources: PageSources;
	readonly feed: Pick<LiveFeed, "open">;
	/** Whether who asks may know of the modules; for others the documents are empty, and their script asks for a token. */
	readonly showsModules: (request: IncomingMessage) => boolean;
}

/** The pages for people, what they load, and what keeps them up to date. */
export function pageRoutes({ sources, feed, showsModules }: PageRoutesOptions): readonly Route[] {
	return [
		route("/modules/:kind/:name", "The page of a module", "text/html", [
			show((request) => {
				const id = `${request.params["kind"]}/${request.params["name"]}`;
				return {
					title: `${id} – Bulkhead`,
					page: "module",
					moduleId: id,
					root: "../../",
					content: showsModules(request) ? moduleView(id, readEntries(id, sources), FIRST_VIEW()) : [],
				};
			}),
		]),
		route("/connect", "The page that says how to connect clients", "text/html", [
			show((request) => ({
				title: "Connect – Bulkhead",
				page: "connect",
				root: "./",
				content: connectView(sources.config.publicUrl ?? addressOf(request)),
			})),
		]),
		route("/assets/:file", "The script and the style of the pages", "text/javascript", [sendAsset]),
		{
			...route(
				"/api/events",
				"What the pages show, as server-sent events: a snapshot, then what changes",
				"text/event-stream",
				[(request, response) => openStream(request, response)],
			),
			scope: "admin",
		},
	];

	function openStream(request: Request, response: Response): void {
		if (!showsModules(request)) {
			const detail = "the pages show all modules, and this token sees some of them; GET /api/modules lists these";
			return sendProblem(response, 403, "MODULES_HIDDEN", "Forbidden", detail);
		}
		const asked = new URLSearchParams(request.originalUrl.split("?")[1]).get("module");
		if (asked !== null && sources.host.module(asked) === undefined) {
			const detail = `there is no module ${asked.slice(0, MAX_ECHO)}; GET /api/modules lists them`;
			return sendProblem(response, 404, "MODULE_NOT_FOUND", "Unknown module", detail);
		}
		if (request.method === "HEAD") return void response.end();
		if (feed.open(asked ?? OVERVIEW, response) !== undefined) return;
		response.setHeader("Retry-After", RETRY_SECONDS);
		sendProblem(
			response,
			503,
			"TOO_MANY_STREAMS",
			"Too many streams",
			"too many pages are open; close some, or try again later",
		);
	}
}

function show(
	write: (request: Request<Record<string, string>>) => PageDocument,
): RequestHandler<Record<string, string>> {
	return (request, response) => sendDocument(response, write(request));
}

/** The list of modules, for a browser that asks for `/`. */
export function overviewPage(
	sources: PageSources,
	showsModules: PageRoutesOptions["showsModules"],
): (request: Request<Record<string, string>>, response: Response) => Promise<void> {
	return (request, response) => {
		const { q, filter } = request.query;
		const state = {
			...FIRST_VIEW(),
			query: typeof q === "string" ? q.slice(0, MAX_ECHO) : "",
			filter: (typeof filter === "string" && Object.hasOwn(FILTERS, filter) ? filter : "all") as Filter,
		};
		return sendDocument(response, {
			title: "Modules – Bulkhead",
			page: "overview",
			root: "./",
			content: showsModules(request) ? overview(readEntries(OVERVIEW, sources), state) : [],
		});
	};
}

const FIRST_VIEW = () => ({ now: Date.now(), history: () => ({ memory: [], eventLoop: [] }) });
const MAX_ECHO = 200;
const RETRY_SECONDS = "10";

async function sendDocument(response: Response, document: PageDocument): Promise<void> {
	response.set({
		"content-security-policy": PAGE_POLICY,
		"x-content-type-options": "nosniff",
		"referrer-policy": "no-referrer",
		"cache-control": "no-store",
	});
	response.type("html").send(writeDocument(document, await pageAssets()));
}

async function sendAsset(request: Request<Record<string, string>>, response: Response): Promise<void> {
	const { script, style } = await pageAssets();
	const asset = [script, style].find(({ name }) => name === request.params["file"]);
	if (asset === undefined) {
		return sendProblem(
			response,
			404,
			"NOT_FOUND",
			"Not found",
			"it belongs to another version of the page; load the page again",
		);
	}
	response.set({
		"content-type": asset.type,
		"cache-control": "public, max-age=31536000, immutable",
		"x-content-type-options": "nosniff",
	});
	response.send(asset.body);
}

/** Where the browser found us: behind a proxy that says so, by the name it was asked by. */
function addressOf(request: Request): string {
	return `${request.protocol}://${request.get("host") ?? "127.0.0.1"}`;
}

function route(path: string, summary: string, type: string, handlers: Operation["handlers"]): Route {
	return {
		path,
		scope: OPEN,
		operations: { get: { summary, handlers, answers: { 200: { description: summary, type }, 404: PROBLEM } } },
	};
}
