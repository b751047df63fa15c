import { isRecord } from "../../../workers/wire/json.ts";
import { harmless } from "./output.ts";

/** Contents of a tool's result, a resource or a prompt, as text: what is none is named by its type and size. */
export function contentText(contents: readonly unknown[]): string {
	return contents.map((content) => harmless(textOf(content))).join("\n");
}

function textOf(content: unknown): string {
	if (!isRecord(content)) return String(content);
	if (typeof content["text"] === "string") return content["text"];
	if (isRecord(content["resource"])) return textOf(content["resource"]);
	const data = content["data"] ?? content["blob"];
	if (typeof data === "string") {
		const type = typeof content["mimeType"] === "string" ? content["mimeType"] : "data";
		return `[${type}, ${Math.floor((data.length * 3) / 4)} bytes]`;
	}
	return typeof content["uri"] === "string" ? `[${content["uri"]}]` : JSON.stringify(content);
}
