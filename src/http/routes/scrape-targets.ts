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
 * @param url where the host is reached, a path prefix included, without a slash at its end
 */
export function scrapeTargets(moduleIds: readonly string[], url: string): readonly TargetGroup[] {
	const { host, protocol, pathname } = new URL(url);
	const prefix = pathname.replace(/\/+$/, "");
	const scheme = protocol === "https:" ? { __scheme__: "https" } : {};
	return moduleIds
		.filter((id) => id.startsWith("metrics/"))
		.map((id) => ({ targets: [host], labels: { __metrics_path__: `${prefix}/${id}`, ...scheme, server_id: id } }));
}
