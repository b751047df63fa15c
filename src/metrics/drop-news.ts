/** The log line that tells what a module lost, or was warned of. */
import type { DropNews, Told } from "./drop-log.ts";

/** `info` where nothing was lost. */
export interface NewsLine {
	readonly level: "info" | "warn";
	readonly message: string;
}

/** One sentence for the operator, who finds the rest under `/api/modules`. */
export function newsLine(moduleId: string, news: DropNews): NewsLine {
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
	}
}

function lost(news: Told): string {
	if (news.reason === "collect_error" || news.reason === "collect_timeout") return "nothing was collected";
	// Without a family's name it was the payload, a part of it that has a description instead, or a family that has no name.
	if (news.family === "" && news.series !== "") return `dropped ${news.series}`;
	return `dropped from ${nameOf(news)}`;
}

function nameOf({ family }: Told): string {
	return family === "" ? "its snapshot" : family;
}
