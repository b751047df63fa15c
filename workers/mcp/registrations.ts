import type { McpServer, RegisteredPrompt, RegisteredTool } from "@modelcontextprotocol/server";

/** What the module has registered on one server, by the name that it had then. */
export interface Registrations {
	readonly tools: ReadonlyMap<string, RegisteredTool>;
	readonly prompts: ReadonlyMap<string, RegisteredPrompt>;
}

/** What is listed and called while it is enabled. */
export type Switchable = RegisteredTool | RegisteredPrompt;

/** Keeps what is registered on a server from now on, and has what the SDK refuses to register name the one it was. */
export function keepRegistrations(server: McpServer): Registrations {
	const tools = new Map<string, RegisteredTool>();
	const prompts = new Map<string, RegisteredPrompt>();
	server.registerTool = keeping("registerTool", server.registerTool.bind(server), tools);
	server.registerPrompt = keeping("registerPrompt", server.registerPrompt.bind(server), prompts);
	return { tools, prompts };
}

function keeping<Register extends (...args: never[]) => unknown>(
	method: string,
	register: Register,
	kept: Map<string, ReturnType<Register>>,
): Register {
	const keep = (...args: Parameters<Register>): unknown => {
		const name = String(args[0]);
		let registered: ReturnType<Register>;
		try {
			registered = register(...args) as ReturnType<Register>;
		} catch (error) {
			if (error instanceof Error) error.message = `${method}(${JSON.stringify(name)}): ${error.message}`;
			throw error;
		}
		kept.set(name, registered);
		return registered;
	};
	return keep as Register;
}
