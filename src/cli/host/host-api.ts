import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import { messageOf } from "../../core/errors.ts";
import { CommandFailure } from "./failure.ts";
import type { HostAddress } from "./host-options.ts";

/** The HTTP API of a host. Every method throws a `CommandFailure` that says what is wrong and what to do. */
export interface HostApi extends HostAddress {
	/** @param path below the host's address, e.g. `/api/modules` */
	get<T>(path: string): Promise<T>;
	post<T>(path: string, body?: unknown): Promise<T>;
	/** An answer whose body is for the caller to read; of a status that is no success only where `accept` has it. */
	open(path: string, init?: RequestInit, accept?: (status: number) => boolean): Promise<Response>;
}

export function hostApi({ url, token }: HostAddress): HostApi {
	const open: HostApi["open"] = async (path, init = {}, accept = () => false) => {
		const headers = new Headers(init.headers);
		if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
		let response: Response;
		try {
			response = await fetch(url + path, { ...init, headers });
		} catch (error) {
			if (init.signal?.aborted === true) throw error;
			const hint = "start one with `bulkhead`, or say which with --url or BULKHEAD_URL";
			throw new CommandFailure(`no host answers at ${url} (${reasonOf(error)}): ${hint}`, 1, { cause: error });
		}
		if (response.ok || accept(response.status)) return response;
		throw await failureOf(response, path);
	};
	async function json<T>(path: string, init?: RequestInit): Promise<T> {
		const response = await open(path, init);
		const value = parseJson(await response.text());
		if (value === undefined) throw new CommandFailure(`${url}${path} answered without JSON: is it a Bulkhead host?`);
		return value as T;
	}
	return {
		url,
		token,
		open,
		get: json,
		post: (path, body) =>
			json(path, {
				method: "POST",
				...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
			}),
	};
}

/** The path of a module in the API. @throws {CommandFailure} when it is no module's id */
export function modulePath(id: string): string {
	const [, kind, name] = /^(metrics|mcps)\/([^/]+)$/.exec(id) ?? [];
	if (kind === undefined || name === undefined)
		throw new CommandFailure(`a module is named as metrics/NAME or mcps/NAME, and not ${id}`, 78);
	return `/api/modules/${kind}/${encodeURIComponent(name)}`;
}

/** What a failed connection failed of: `fetch` itself, and what is built on it, say only that it failed. */
export function reasonOf(error: unknown): string {
	let at = error;
	for (let depth = 0; depth < MAX_CAUSES && at instanceof Error && at.cause instanceof Error; depth++) at = at.cause;
	// Of several addresses that were tried, each has an error; the text of the whole is empty.
	return at instanceof AggregateError && at.message === "" ? at.errors.map(messageOf).join(", ") : messageOf(at);
}

const MAX_CAUSES = 10;

async function failureOf(response: Response, path: string): Promise<CommandFailure> {
	const problem = parseJson(await response.text().catch(() => ""));
	const { status } = response;
	const detail =
		isRecord(problem) && typeof problem["detail"] === "string" ? problem["detail"] : `${path} answered ${status}`;
	if (status === 401) return new CommandFailure(`${detail}; give a token with --token or BULKHEAD_TOKEN`);
	return new CommandFailure(detail);
}
