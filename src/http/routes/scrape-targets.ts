/** A target group of Prometheus's HTTP service discovery (https://prometheus.io/docs/prometheus/latest/http_sd/). */
export interface TargetGroup {
	readonly targets: readonly string[];
	readonly labels: Readonly<Record<string, string>>;
}

/**
 * Each metric module as a target of its own.
 *
 * `server_id` becomes a label of every series of the target, as in the host's own metrics. Without one that differs, all
 * targets would have the same labels, and their `up` series would be one.
 *
 * @param address where the host is reached, `host:port`
 */
export function scrapeTargets(moduleIds: readonly string[], address: string): readonly TargetGroup[] {
	return moduleIds
		.filter((id) => id.startsWith("metrics/"))
		.map((id) => ({ targets: [address], labels: { __metrics_path__: `/${id}`, server_id: id } }));
}
