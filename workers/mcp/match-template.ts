/** Values of a template's variables, by name; a list where the variable is exploded and there is more than one. */
export type TemplateValues = Readonly<Record<string, string | string[]>>;

/**
 * RFC 6570 read backwards: what a template's variables have to be for it to be expanded to the URI. Values are decoded, each
 * in one piece whatever it is decoded to; variables of a query may be missing and come in any order.
 */
export function matchTemplate(template: string, uri: string): TemplateValues | undefined {
	const expressions: Expression[] = [];
	const hasQuery = /\{[?&]/.test(template);
	let pattern = "";
	for (const part of template.split(/(\{[^}]*\})/)) {
		if (!part.startsWith("{")) {
			pattern += part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
			continue;
		}
		const expression = readExpression(part.slice(1, -1));
		expressions.push(expression);
		pattern += patternOf(expression, hasQuery);
	}
	const match = new RegExp(`^${pattern}$`, "s").exec(uri);
	if (match === null) return undefined;
	const values: Record<string, string | string[]> = {};
	for (const [index, expression] of expressions.entries()) {
		const text = match[index + 1];
		const read = isQuery(expression) ? readPairs(expression, text ?? "") : readList(expression, text ?? "");
		if (read === undefined) return undefined;
		Object.assign(values, read);
	}
	return values;
}

interface Expression {
	readonly operator: string;
	readonly names: readonly { readonly name: string; readonly exploded: boolean }[];
}

const OPERATORS = "+#./?&";

function readExpression(text: string): Expression {
	const operator = OPERATORS.includes(text.charAt(0)) ? text.charAt(0) : "";
	const names = text
		.slice(operator.length)
		.split(",")
		.map((name) => ({ name: name.replace(/\*|:\d+$/g, "").trim(), exploded: name.includes("*") }));
	return { operator, names: names.filter(({ name }) => name !== "") };
}

function isQuery({ operator }: Expression): boolean {
	return operator === "?" || operator === "&";
}

/** One group an expression. */
function patternOf({ operator, names }: Expression, hasQuery: boolean): string {
	const one = hasQuery ? "[^/,?&]+" : "[^/,]+";
	const isList = names.length > 1 || names.some(({ exploded }) => exploded);
	switch (operator) {
		case "+":
			return "(.+)";
		case "#":
			return "#(.+)";
		case ".":
			return String.raw`\.(${one})`;
		case "/":
			return isList ? `/(${one}(?:/${one})*)` : `/(${one})`;
		case "?":
			return String.raw`(?:\?([^#]*))?`;
		case "&":
			return "((?:&[^&#]*)*)";
		default:
			return isList ? `(${one}(?:,${one})*)` : `(${one})`;
	}
}

function readList({ operator, names }: Expression, text: string): Record<string, string | string[]> | undefined {
	const [first] = names;
	if (first === undefined) return {};
	if (names.length === 1 && !first.exploded) return { [first.name]: decoded(text) };
	const separator = operator === "/" ? "/" : operator === "." ? "." : ",";
	const pieces = text.split(separator).map(decoded);
	if (names.length === 1) return { [first.name]: pieces.length > 1 ? pieces : (pieces[0] ?? "") };
	if (pieces.length > names.length) return undefined;
	return Object.fromEntries(pieces.map((piece, index) => [names[index]?.name ?? "", piece]));
}

function readPairs({ names }: Expression, text: string): Record<string, string | string[]> | undefined {
	const values: Record<string, string | string[]> = {};
	for (const pair of text.split("&").filter((each) => each !== "")) {
		const [key = "", ...value] = pair.split("=");
		const known = names.find(({ name }) => name === decoded(key));
		if (known === undefined) return undefined;
		const pieces = value.join("=");
		const list = known.exploded ? [values[known.name] ?? [], pieces.split(",").map(decoded)].flat() : [];
		values[known.name] = list.length > 1 ? list : decoded(pieces);
	}
	return values;
}

/** What is no percent-encoding stands for itself. */
function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
