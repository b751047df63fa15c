/** The packages whose default registry is collected when a module loads them, or a package of its does. */
export const METRICS_CLIENTS: readonly string[] = ["prom-client", "@prometheus-io/client", "@platformatic/prom-client"];
