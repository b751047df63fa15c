/** Writes the alert rules again as the resource of the Prometheus operator: deploy/kubernetes/base/prometheusrule.yaml. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";

const DEPLOY = path.join(import.meta.dirname, "../deploy");
export const RESOURCE = path.join(DEPLOY, "kubernetes/base/prometheusrule.yaml");

/** @returns the text of the resource, from the rules that Prometheus itself reads */
export function prometheusRule(): string {
	const groups = ["alerts", "recording"].flatMap(
		(name) =>
			(parse(readFileSync(path.join(DEPLOY, `prometheus/rules/${name}.yml`), "utf8")) as { groups: unknown[] }).groups,
	);
	const resource = {
		apiVersion: "monitoring.coreos.com/v1",
		kind: "PrometheusRule",
		metadata: { name: "bulkhead", labels: { prometheus: "kube-prometheus", app: "bulkhead" } },
		spec: { groups },
	};
	return `# Made by \`npm run deploy:rules\` from deploy/prometheus/rules.\n${stringify(resource, { lineWidth: 0 })}`;
}

if (import.meta.main) writeFileSync(RESOURCE, prometheusRule());
