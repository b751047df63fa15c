// When certificates end. An alert on `tls_certificate_expiry_timestamp_seconds - time() < 14 * 86400` comes in time.
//   plugins.yaml: metrics/tls-expiry: { env: { TLS_HOSTS: "example.org:443,mail.example.org:993" }, intervalMs: 3600000 }

import { once } from "node:events";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { Gauge } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

const TIMEOUT_MS = 5000;

const up = new Gauge({ name: "tls_probe_up", help: "Whether a certificate was shown", labelNames: ["host"] });
const expiry = new Gauge({
	name: "tls_certificate_expiry_timestamp_seconds",
	help: "When the certificate ends",
	labelNames: ["host"],
});

let hosts: readonly string[] = [];

export function start({ env }: ModuleContext): void {
	hosts = (env["TLS_HOSTS"] ?? "").split(",").flatMap((host) => host.trim() || []);
	if (hosts.length === 0) throw new Error("TLS_HOSTS is empty: name host:port pairs, separated by commas");
}

export async function process(): Promise<void> {
	await Promise.all(hosts.map(probe));
}

async function probe(host: string): Promise<void> {
	const [, name = "", port = "443"] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
	// An expired or self-signed certificate has a date as well, and is what we want to hear of.
	const servername = isIP(name) === 0 ? { servername: name } : {};
	const socket = connect({ host: name, port: Number(port), ...servername, rejectUnauthorized: false });
	try {
		await once(socket, "secureConnect", { signal: AbortSignal.timeout(TIMEOUT_MS) });
		expiry.set({ host }, Date.parse(socket.getPeerCertificate().valid_to) / 1000);
		up.set({ host }, 1);
	} catch {
		expiry.remove({ host });
		up.set({ host }, 0);
	} finally {
		socket.destroy();
	}
}
