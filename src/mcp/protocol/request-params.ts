import { type StandardSchemaV1, specTypeSchemas } from "@modelcontextprotocol/server";

/*
 * Parameters as the specification has them. Where the SDK (2.4) checks them unasked, it answers wrong ones with an internal
 * error (-32603). They are the client's mistake (-32602).
 */

export const LIST_PARAMS = { params: specTypeSchemas.PaginatedRequestParams };
export const LOG_LEVEL_PARAMS = { params: specTypeSchemas.SetLevelRequestParams };

/** By method, of those that a module answers. Of `tools/call` the SDK says itself that they are wrong. */
export const FORWARDED_PARAMS: Readonly<
	Record<"prompts/get" | "resources/read" | "completion/complete", ParamsSchema>
> = {
	"prompts/get": { params: specTypeSchemas.GetPromptRequestParams },
	"resources/read": { params: specTypeSchemas.ReadResourceRequestParams },
	"completion/complete": { params: specTypeSchemas.CompleteRequestParams },
};

interface ParamsSchema {
	readonly params: StandardSchemaV1<unknown, object>;
}
