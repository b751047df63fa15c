import type { McpServer } from "@modelcontextprotocol/server";
import type { McpModule } from "../contract.ts";
import { wrongShape } from "../wire/wire-error.ts";

/**
 * The function that a module's file exports to register what it offers.
 *
 * @throws {Error} one sentence that says what the file exports and what to write
 */
export function registeringFunction(exports: Readonly<Record<string, unknown>>): McpModule {
	const given = exports["default"];
	if (typeof given === "function" && !isClass(given)) return refusingOtherServers(given as McpModule);
	throw wrongShape(`an MCP module default-exports a function, and this one ${found(exports)}; write ${EXAMPLE}`);
}

const EXAMPLE = "`export default (server) => { server.registerTool(…); }`";

function found(exports: Readonly<Record<string, unknown>>): string {
	const given = exports["default"];
	if (typeof given === "function") return `default-exports the class ${given.name || "without a name"}`;
	if (isServer(given)) return "default-exports a server of its own, which the host would have no use for";
	if (given instanceof Promise) return "default-exports a promise (await belongs into the function)";
	if (given !== undefined) return `default-exports ${given === null ? "null" : `a value of type ${typeof given}`}`;
	const names = Object.keys(exports).filter((name) => name !== "default");
	if (names.length === 0) return "exports nothing";
	return `has no default export (it exports ${names.slice(0, MAX_NAMES).join(", ")}${names.length > MAX_NAMES ? ", …" : ""})`;
}

const MAX_NAMES = 10;

function isClass(value: object): boolean {
	return /^class\b/.test(Function.prototype.toString.call(value));
}

/** Of either SDK. */
function isServer(value: unknown): boolean {
	return typeof value === "object" && value !== null && "registerTool" in value && "connect" in value;
}

/** Factories that the SDK's own entries take make a server and return it; here it is given. */
function refusingOtherServers(register: McpModule): McpModule {
	return async (server, context) => {
		const returned: unknown = await register(server, context);
		if (returned === server || !isServer(returned)) return;
		throw new Error(
			`the default-exported function returns a server of its own; register on the one it is given: ${EXAMPLE}`,
		);
	};
}

/** Has the methods of the 1.x SDK say what they are called now, where "is not a function" would be all. */
export function nameNewMethods(server: McpServer): void {
	for (const [old, now] of RENAMED) {
		if (old in server) continue;
		const refuse = (): never => {
			throw new TypeError(`server.${old}() is of the 1.x SDK; write ${now}`);
		};
		Object.defineProperty(server, old, { value: refuse, configurable: true, writable: true });
	}
}

const RENAMED = [
	["tool", "server.registerTool(name, { description, inputSchema: z.object({ … }) }, callback)"],
	["prompt", "server.registerPrompt(name, { description, argsSchema: z.object({ … }) }, callback)"],
	["resource", "server.registerResource(name, uri or new ResourceTemplate(…), { description }, callback)"],
] as const;
