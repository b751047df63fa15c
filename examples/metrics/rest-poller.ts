// A number out of a JSON answer of some service, with a token that stays out of the code.
//   plugins.yaml: metrics/rest-poller:
//                   { env: { API_URL: "https://api.example.com/v1/stats", API_FIELD: queue.depth, API_TOKEN: { file: /run/secrets/api } },
//                     permissions: { net: ["api.example.com:443"] } }

import { Gauge } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

const TIMEOUT_MS = 5000;

const value = new Gauge({
	name: "rest_value",
	help: "The number that the service answers with",
	labelNames: ["field"],
});

let settings = { url: "", field: "", token: "" };

export function start({ env }: ModuleContext): void {
	settings = { url: env["API_URL"] ?? "", field: env["API_FIELD"] ?? "", token: env["API_TOKEN"] ?? "" };
	if (settings.url === "" || settings.field === "")
		throw new Error("API_URL and API_FIELD must be set in plugins.yaml");
}

export async function process(): Promise<void> {
	const { url, field, token } = settings;
	const headers = { accept: "application/json", ...(token !== "" && { authorization: `Bearer ${token}` }) };
	const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
	if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
	const found = field
		.split(".")
		.reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], await response.json());
	if (typeof found !== "number") throw new Error(`the answer has no number at ${field}`);
	value.set({ field }, found);
}
