/** Fields with the values of secrets replaced: a log is read by more people than may know them. Judged by the name of the field. */
export function redacted(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(fields).map(([name, value]) => [name, isSecret(name, value) ? REDACTED : redactedValue(value)]),
	);
}

const REDACTED = "[redacted]";

function redactedValue(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(redactedValue);
	return typeof value === "object" && value !== null ? redacted(value as Record<string, unknown>) : value;
}

function isSecret(name: string, value: unknown): boolean {
	if (value === null || typeof value === "boolean") return false;
	const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
	// `max_tokens: 500` is a number of words, and no secret.
	return SECRET.test(plain) || (TOKENS.test(plain) && typeof value !== "number");
}

const SECRET =
	/authorization|cookie|password|passwd|passphrase|secret|apikey|accesskey|privatekey|credential|connectionstring|^(pwd|pass|bearer|jwt)$/;
const TOKENS = /tokens?$/;
