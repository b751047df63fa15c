import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import { wrongUsage } from "./failure.ts";

/** The value of `--args`. @throws {CommandFailure} when it is no JSON object */
export function readArguments(text: string | undefined): Record<string, unknown> {
	if (text === undefined) return {};
	const value = parseJson(text);
	if (isRecord(value) && !Array.isArray(value)) return value;
	throw wrongUsage(`--args must be a JSON object, as --args '{"name": "value"}', and is ${text.slice(0, 80)}`);
}
