/** Requests to the host, with the viewer's token where they have given one: it is kept in this tab alone. */
const TOKEN = "bulkhead-token";

export function readToken(): string | null {
	return sessionStorage.getItem(TOKEN);
}

export function keepToken(token: string | undefined): void {
	if (token === undefined) sessionStorage.removeItem(TOKEN);
	else sessionStorage.setItem(TOKEN, token);
}

/** @param path from the root of the host, without a slash at its start */
export function ask(path: string, init: RequestInit = {}): Promise<Response> {
	const headers = new Headers(init.headers);
	const token = readToken();
	if (token !== null) headers.set("authorization", `Bearer ${token}`);
	return fetch(`${document.body.dataset["root"] ?? "./"}${path}`, { ...init, headers, cache: "no-store" });
}

/** What a refusal says, in words. */
export async function problemOf(response: Response): Promise<string> {
	const body = (await response.json().catch(() => ({}))) as { detail?: unknown };
	return typeof body.detail === "string" ? body.detail : `The host answered ${response.status}.`;
}
