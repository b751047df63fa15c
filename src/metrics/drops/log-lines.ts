/** The log line that tells how a module's collections go: what was lost, what it was warned of, when they fail. */
import type { McpEvent } from "../../logging/events.ts";
import type { DropNews, Told } from "./drop-log.ts";
import type { FailureNews } from "./failure-log.ts";

export type CollectNews = DropNews | FailureNews;

/** `info` where nothing was lost. */
export interface NewsLine {
	readonly level: "info" | "warn";
	readonly message: string;
}

/** One sentence for the operator, who finds the rest under `/api/modules`. */
export function newsLine(moduleId: string, news: CollectNews): NewsLine {
	switch (news.kind) {
		case "dropped":
			return { level: "warn", message: `${moduleId}: ${lost(news)}: ${news.reason}` };
		case "warned":
			return { level: "info", message: `${moduleId}: ${nameOf(news)} is kept, with a warning: ${news.reason}` };
		case "muted":
			return {
				level: "warn",
				message: `${moduleId}: and more; no further drop or warning is logged until a collection has none`,
			};
		case "failed":
			return {
				level: "warn",
				message: `${moduleId}: ${news.partial ? "" : "nothing was collected: "}${withoutId(news.message, moduleId)}`,
			};
		case "failures_muted":
			return {
				level: "warn",
				message: `${moduleId}: nothing was collected, with ever other errors; no further one is logged until it is collected again`,
			};
		case "recovered":
			return {
				level: "info",
				message: `${moduleId}: is collected again; ${news.failures} ${news.failures === 1 ? "collection has" : "collections have"} failed`,
			};
	}
}

export function newsEvent({ kind }: CollectNews): McpEvent {
	if (kind === "recovered") return "collect_recovered";
	return kind === "failed" || kind === "failures_muted" ? "collect_failed" : "samples_dropped";
}

/** What stands beside the sentence in a log of fields. */
export function newsFields(news: CollectNews): { readonly series?: string; readonly code?: string } {
	switch (news.kind) {
		case "dropped":
		case "warned":
			return { series: news.series };
		case "failed":
			return { code: news.code };
		default:
			return {};
	}
}

function lost(news: Told): string {
	// Without a family's name it was the payload, a part of it that has a description instead, or a family that has no name.
	if (news.family === "" && news.series !== "") return `dropped ${news.series}`;
	return `dropped from ${nameOf(news)}`;
}

/** An error of the host's names the module itself. */
function withoutId(message: string, moduleId: string): string {
	const prefix = `${moduleId}: `;
	return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function nameOf({ family }: Told): string {
	return family === "" ? "its snapshot" : family;
}
