// Requests to the Kubernetes API, counted: in a pod as its service account, elsewhere through `kubectl proxy`.

import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { text as textOf } from "node:stream/consumers";
import { Counter } from "prom-client";
import type { ModuleContext } from "../../../workers/contract.ts";

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const IN_CLUSTER = "https://kubernetes.default.svc";

const operations = new Counter({
	name: "mcp_kubernetes_operations_total",
	help: "Requests to the Kubernetes API",
	labelNames: ["operation", "resource", "status"],
});
/** @throws what the cluster said, or that there is none */
export async function askCluster(
	env: ModuleContext["env"],
	operation: string,
	method: string,
	path: string,
): Promise<unknown> {
	const proxy = env["KUBERNETES_API_URL"];
	let status = 0;
	let body = "";
	try {
		if (proxy === undefined) ({ status, body } = await askInCluster(method, path));
		else {
			const response = await fetch(`${proxy}${path}`, { method });
			[status, body] = [response.status, await response.text()];
		}
	} catch (cause) {
		operations.inc({ operation, resource: "pods", status: "error" });
		throw new Error("no cluster can be reached: the first lines of mcps/kubernetes say what to grant", { cause });
	}
	const isGood = status >= 200 && status < 300;
	operations.inc({ operation, resource: "pods", status: isGood ? "success" : "error" });
	if (!isGood) throw new Error(`the cluster answered ${status}: ${body.slice(0, 300)}`);
	return JSON.parse(body);
}

async function askInCluster(method: string, path: string): Promise<{ status: number; body: string }> {
	const [token, ca] = await Promise.all([readFile(`${ACCOUNT}/token`, "utf8"), readFile(`${ACCOUNT}/ca.crt`)]);
	return new Promise((resolve, reject) => {
		const sent = request(`${IN_CLUSTER}${path}`, { method, ca, headers: { authorization: `Bearer ${token}` } });
		sent.once("error", reject);
		sent.once("response", (response) => {
			textOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
		});
		sent.end();
	});
}
