/** What a principal may ask for. None of them implies another. */
export const SCOPES = ["metrics", "mcp", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** How a request says who sends it, as metrics label it. */
export type AuthMethod = "bearer" | "jwt" | "basic" | "certificate" | "none";

/** Who sends a request, once that is proved. */
export interface Principal {
	/** What modules, logs and operators know it by. */
	readonly name: string;
	/** Tells principals apart, whatever their method: what one has begun is no other's. */
	readonly id: string;
	readonly method: AuthMethod;
	readonly scopes: readonly Scope[];
	readonly sees: Visibility;
}

/** What a principal may use. Whatever it may not use it does not see. */
export interface Visibility {
	/** Whether nothing is hidden from it. */
	readonly all: boolean;
	module(moduleId: string): boolean;
	/** @param list what the name is one of; `tools` alone are granted by name */
	entry(list: string, name: string, moduleId: string): boolean;
}

export const SEES_ALL: Visibility = { all: true, module: () => true, entry: () => true };

/** Globs that grant; undefined where everything is granted. */
export interface Grants {
	readonly tools?: readonly string[] | undefined;
	readonly modules?: readonly string[] | undefined;
}

/** @param grants `tools` limits tools alone, by name; `modules` limits all that modules offer, their metrics included */
export function visibilityOf({ tools, modules }: Grants): Visibility {
	if (tools === undefined && modules === undefined) return SEES_ALL;
	const isGrantedModule = matcherOf(modules);
	const isGrantedTool = matcherOf(tools);
	return {
		all: false,
		module: isGrantedModule,
		entry: (list, name, moduleId) => isGrantedModule(moduleId) && (list !== "tools" || isGrantedTool(name)),
	};
}

/** `*` stands for any text, `?` for one character; everything else for itself. */
function matcherOf(globs: readonly string[] | undefined): (text: string) => boolean {
	if (globs === undefined) return () => true;
	const exact = new Set(globs);
	const patterns = globs.filter((glob) => /[*?]/.test(glob)).map(patternOf);
	return (text) => exact.has(text) || patterns.some((pattern) => pattern.test(text));
}

function patternOf(glob: string): RegExp {
	const source = glob
		.replace(/[.+^${}()|[\]\\]/g, "\\$&")
		.replace(/\*+/g, "[^]*")
		.replaceAll("?", "[^]");
	return new RegExp(`^${source}$`, "u");
}
