/**
 * A body of `/api` in its one spelling: field names in snake_case, and each time, which the host keeps as milliseconds in
 * fields named `at` or `…At`, as ISO 8601 in UTC. Names that are keys, of variables for one, do not belong in it.
 */
export function apiBody(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(body).map(([name, field]) => [snakeCase(name), fieldValue(name, field)]));
}

function apiValue(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(apiValue);
	return typeof value === "object" && value !== null ? apiBody(value as Record<string, unknown>) : value;
}

function fieldValue(name: string, value: unknown): unknown {
	return typeof value === "number" && TIME.test(name) ? new Date(value).toISOString() : apiValue(value);
}

const TIME = /^at$|(?:At|_at)$/;

function snakeCase(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
