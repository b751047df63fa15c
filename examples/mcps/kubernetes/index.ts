// Looks at the pods of a cluster, says what is wrong with them, and may have one started again; without a cluster each
// tool says what to set. In a pod it uses the service account of the pod:
//   plugins.yaml: mcps/kubernetes: { permissions: { read: [/var/run/secrets/kubernetes.io/serviceaccount] } }
// Elsewhere `kubectl proxy` and KUBERNETES_API_URL=http://127.0.0.1:8001, granted as `env: [KUBERNETES_API_URL]`.

import type { McpServer } from "@modelcontextprotocol/server";
import { Counter } from "prom-client";
import * as z from "zod";
import type { ModuleContext } from "../../../workers/contract.ts";
import { askCluster } from "./cluster.ts";

const diagnosed = new Counter({
	name: "mcp_pods_diagnosed_total",
	help: "Pods that were looked at, by what is wrong with them",
	labelNames: ["namespace", "issue_type"],
});
const detected = new Counter({
	name: "mcp_issues_detected_total",
	help: "Pods with something wrong",
	labelNames: ["namespace", "issue_type"],
});
const remediations = new Counter({
	name: "mcp_remediation_actions_total",
	help: "Remediations by how they ended",
	labelNames: ["action", "status"],
});

const Pods = z.object({
	items: z.array(
		z.object({
			metadata: z.object({ name: z.string() }),
			status: z.object({
				phase: z.string().default("Unknown"),
				containerStatuses: z
					.array(
						z.object({
							ready: z.boolean(),
							restartCount: z.number(),
							state: z.object({ waiting: z.object({ reason: z.string().optional() }).optional() }).default({}),
						}),
					)
					.default([]),
			}),
		}),
	),
});
type Pod = z.infer<typeof Pods>["items"][number];
const Namespace = z
	.string()
	.regex(/^[a-z0-9-]{1,63}$/)
	.default("default");

export default function register(server: McpServer, { env }: ModuleContext): void {
	const listPods = async (namespace: string): Promise<readonly Pod[]> =>
		Pods.parse(await askCluster(env, "list", "GET", `/api/v1/namespaces/${namespace}/pods`)).items;

	server.registerTool(
		"kubernetes_pods",
		{
			description: "Pods of a namespace with their phase",
			inputSchema: z.object({ namespace: Namespace }),
			annotations: { readOnlyHint: true },
		},
		async ({ namespace }) => {
			const pods = await listPods(namespace);
			return answer(pods.map(({ metadata, status }) => `${metadata.name}: ${status.phase}`).join("\n") || "no pods");
		},
	);
	server.registerTool(
		"kubernetes_diagnose",
		{
			description: "What is wrong with the pods of a namespace",
			inputSchema: z.object({ namespace: Namespace }),
			annotations: { readOnlyHint: true },
		},
		async ({ namespace }) => {
			const issues = (await listPods(namespace)).map((pod) => ({ name: pod.metadata.name, issue: issueOf(pod) }));
			for (const { issue } of issues) {
				diagnosed.inc({ namespace, issue_type: issue });
				if (issue !== "none") detected.inc({ namespace, issue_type: issue });
			}
			const wrong = issues.filter(({ issue }) => issue !== "none");
			return answer(wrong.map(({ name, issue }) => `${name}: ${issue}`).join("\n") || "every pod is well");
		},
	);
	server.registerTool(
		"kubernetes_restart_pod",
		{
			description: "Deletes a pod, so that its controller makes a new one; a dry run unless told otherwise",
			inputSchema: z.object({
				namespace: Namespace,
				pod: z.string().regex(/^[a-z0-9.-]{1,253}$/),
				dryRun: z.boolean().default(true),
			}),
			annotations: { destructiveHint: true },
		},
		async ({ namespace, pod, dryRun }) => {
			try {
				const query = dryRun ? "?dryRun=All" : "";
				await askCluster(env, "delete", "DELETE", `/api/v1/namespaces/${namespace}/pods/${pod}${query}`);
			} catch (error) {
				remediations.inc({ action: "restart_pod", status: "error" });
				throw error;
			}
			remediations.inc({ action: "restart_pod", status: dryRun ? "dry_run" : "success" });
			return answer(dryRun ? `${pod} would be deleted; call again with dryRun: false` : `${pod} is being replaced`);
		},
	);
}

function issueOf({ status }: Pod): string {
	const waiting = status.containerStatuses.find(({ state }) => state.waiting?.reason !== undefined)?.state.waiting
		?.reason;
	if (waiting === "CrashLoopBackOff") return "crash_loop";
	if (waiting === "ImagePullBackOff" || waiting === "ErrImagePull") return "image_pull";
	if (status.phase === "Pending") return "pending";
	if (status.phase === "Failed") return "failed";
	return status.phase === "Running" && status.containerStatuses.some(({ ready }) => !ready) ? "not_ready" : "none";
}

function answer(text: string) {
	return { content: [{ type: "text" as const, text }] };
}
