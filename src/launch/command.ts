import { parseArgs } from "node:util";

/** What `bulkhead` is asked to do. Like the supervisor, which reads it, this needs nothing but Node 18. */
export type Command =
	| { readonly name: "serve" }
	/** @property url the MCP endpoint of a host that runs; undefined: start one */
	| { readonly name: "stdio"; readonly url: URL | undefined }
	| { readonly name: "help" }
	| { readonly name: "invalid"; readonly problem: string };

export const USAGE = `Usage:
  bulkhead                     serve the modules over HTTP, as .env and the environment say
  bulkhead stdio               serve them to one MCP client over standard input and output
  bulkhead stdio --url <url>   connect that client to a host that runs, e.g. http://127.0.0.1:8000/mcp
`;

/** @param args the command line without Node and the script */
export function readCommand(args: readonly string[]): Command {
	try {
		const { values, positionals } = parseArgs({
			args: [...args],
			options: { url: { type: "string" }, help: { type: "boolean", short: "h" } },
			allowPositionals: true,
		});
		if (values.help === true) return { name: "help" };
		const [name, ...more] = positionals;
		if (more.length > 0 || (name !== undefined && name !== "stdio")) {
			return invalid(`there is no command "${positionals.join(" ")}"`);
		}
		if (name === "stdio") return readStdio(values.url);
		return values.url === undefined ? { name: "serve" } : invalid("--url belongs to the command stdio");
	} catch (error) {
		return invalid(error instanceof Error ? error.message : String(error));
	}
}

function readStdio(text: string | undefined): Command {
	if (text === undefined) return { name: "stdio", url: undefined };
	const url = URL.canParse(text) ? new URL(text) : undefined;
	return url?.protocol === "http:" || url?.protocol === "https:"
		? { name: "stdio", url }
		: invalid(`--url ${text} is not the http:// or https:// address of an MCP endpoint`);
}

function invalid(problem: string): Command {
	return { name: "invalid", problem };
}
