import type { OwnerFormat } from "../../state/owner-file.ts";
import { LIST_NAMES, type ListName, MAX_KEY_LENGTH } from "../../../workers/wire/catalog.ts";

/** A name as its list has it: a URI among resources, a URI template among templates. */
export interface McpName {
	readonly list: ListName;
	readonly name: string;
}

/** How owners of MCP names are kept over a restart of the host: `[list, name]`. */
export const MCP_OWNERS: OwnerFormat<McpName> = {
	fileName: "mcp-owners.jsonl",
	kind: "MCP names",
	firstOwner: "of the modules that offer an MCP name the first by id owns it",
	encode: ({ list, name }) => [list, name],
	decode([word, name]) {
		const list = LIST_NAMES.find((known) => known === word);
		if (list === undefined || typeof name !== "string") return undefined;
		return name.length > 0 && name.length <= MAX_KEY_LENGTH ? { list, name } : undefined;
	},
};
