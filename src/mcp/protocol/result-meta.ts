import { SERVER_INFO_META_KEY } from "@modelcontextprotocol/server";
import { isRecord } from "../../../workers/wire/json.ts";

/** Without what the 2026-07-28 revision puts on every result: who sends it on stamps it again, in the same place. */
export function withoutStamps(result: Readonly<Record<string, unknown>>): Record<string, unknown> {
	const { resultType: _, ...rest }: Record<string, unknown> = result;
	if (!isRecord(rest["_meta"])) return rest;
	const { [SERVER_INFO_META_KEY]: stamp, ...meta } = rest["_meta"];
	if (stamp === undefined || Object.keys(meta).length > 0) return { ...rest, _meta: meta };
	delete rest["_meta"];
	return rest;
}
