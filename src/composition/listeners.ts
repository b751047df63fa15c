import type { HostConfig } from "../config/config.ts";
import { type AppOptions, createApp, createMetricsApp } from "../http/app.ts";
import { createListener, type Listener, type ListenerTls } from "../http/listener.ts";

/** The host's ports, as one. */
export interface Listeners extends Omit<Listener, "listen"> {
	listen(): Promise<{ readonly url: string; readonly metricsUrl: string | undefined }>;
}

export function createListeners(
	config: HostConfig,
	app: AppOptions,
	onConnections: (change: 1 | -1) => void,
	tls: ListenerTls | undefined,
): Listeners {
	const { keepAliveTimeoutMs } = config;
	const main = createListener({
		app: createApp(app),
		host: config.host,
		port: config.port,
		portVariable: "PORT",
		keepAliveTimeoutMs,
		tls,
		onConnections,
	});
	const metrics =
		config.metricsPort === undefined
			? undefined
			: createListener({
					app: createMetricsApp(app),
					host: config.metricsHost ?? config.host,
					port: config.metricsPort,
					portVariable: "METRICS_PORT",
					keepAliveTimeoutMs,
					tls,
					onConnections,
				});
	const all = metrics === undefined ? [main] : [main, metrics];
	return {
		async listen() {
			return { url: await main.listen(), metricsUrl: await metrics?.listen() };
		},
		setTls(options) {
			for (const listener of all) listener.setTls(options);
		},
		drain() {
			for (const listener of all) listener.drain();
		},
		async stopAccepting(lingerMs) {
			await Promise.all(all.map((listener) => listener.stopAccepting(lingerMs)));
		},
		async close() {
			await Promise.all(all.map((listener) => listener.close()));
		},
	};
}
