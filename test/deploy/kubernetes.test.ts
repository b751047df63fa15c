import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import { prometheusRule, RESOURCE } from "../../scripts/prometheus-rule.ts";

const BASE = path.join(import.meta.dirname, "../../deploy/kubernetes/base");

test("the rules of the Prometheus operator are those of Prometheus (npm run deploy:rules)", () => {
	assert.equal(readFileSync(RESOURCE, "utf8"), prometheusRule());
});

test("the base names files that are there, and its parts fit together", () => {
	const { resources, configMapGenerator } = read("kustomization.yaml") as {
		resources: string[];
		configMapGenerator: { name: string; files: string[] }[];
	};
	for (const file of [...resources, ...configMapGenerator.flatMap(({ files }) => files)])
		assert.ok(readFileSync(path.join(BASE, file), "utf8").length > 0, file);

	const deployment = read("deployment.yaml") as Deployment;
	const { spec } = deployment.spec.template;
	const [container] = spec.containers;
	assert.ok(container);
	const labels = deployment.spec.template.metadata.labels;
	const ports = container.ports.map(({ name }) => name);
	const service = read("service.yaml") as { spec: { selector: object; ports: { name: string; targetPort: string }[] } };
	assert.deepEqual(service.spec.selector, labels);
	for (const { targetPort } of service.spec.ports) assert.ok(ports.includes(targetPort), targetPort);
	const monitor = read("servicemonitor.yaml") as {
		spec: { endpoints: { port: string; interval: string; path: string }[] };
	};
	assert.deepEqual(
		monitor.spec.endpoints.map(({ port, interval, path: url }) => [port, interval, url]),
		[["metrics", "15s", "/metrics"]],
	);
	assert.deepEqual(
		container.volumeMounts
			.map(({ name }) => name)
			.filter((name) => !spec.volumes.some((volume) => volume.name === name)),
		[],
	);
	const configMaps = spec.volumes.flatMap(({ configMap }) => configMap?.name ?? []);
	assert.deepEqual(configMaps.toSorted(), configMapGenerator.map(({ name }) => name).toSorted());
	for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"] as const)
		assert.ok(ports.includes(container[probe].httpGet.port), probe);
});

interface Probe {
	readonly httpGet: { readonly port: string };
}
interface Deployment {
	readonly spec: {
		readonly template: {
			readonly metadata: { readonly labels: object };
			readonly spec: {
				readonly containers: readonly {
					readonly ports: readonly { readonly name: string }[];
					readonly volumeMounts: readonly { readonly name: string }[];
					readonly startupProbe: Probe;
					readonly readinessProbe: Probe;
					readonly livenessProbe: Probe;
				}[];
				readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
			};
		};
	};
}

function read(file: string): unknown {
	const text = readFileSync(path.join(BASE, file), "utf8");
	assert.deepEqual(
		parseAllDocuments(text).flatMap((document) => ("errors" in document ? document.errors : [])),
		[],
	);
	return parse(text);
}
