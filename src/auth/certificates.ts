import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { TlsOptions, TLSSocket } from "node:tls";
import { BulkheadError, messageOf } from "../core/errors.ts";
import { type Principal, SEES_ALL } from "./principal.ts";
import type { ClientAuth, TlsSettings } from "./web-config.ts";

/** What a TLS server is given, and when its certificate expires, in milliseconds since the epoch. */
export interface LoadedTls {
	readonly options: TlsOptions;
	/** What was read: certificate, key and authorities. */
	readonly files: readonly Buffer[];
	readonly expiresAt: number;
}

/** Reads the certificate, its key and the authorities of clients. @throws {BulkheadError} CONFIG_INVALID */
export function loadTls(settings: TlsSettings): LoadedTls {
	const cert = read(settings.certFile, "cert_file");
	const key = read(settings.keyFile, "key_file");
	const ca = settings.clientCaFile === undefined ? undefined : read(settings.clientCaFile, "client_ca_file");
	let certificate: X509Certificate;
	try {
		certificate = new X509Certificate(cert);
	} catch (cause) {
		throw new BulkheadError("CONFIG_INVALID", `${settings.certFile} is no certificate: ${messageOf(cause)}`, { cause });
	}
	return {
		files: ca === undefined ? [cert, key] : [cert, key, ca],
		expiresAt: Date.parse(certificate.validTo),
		options: {
			cert,
			key,
			...(ca !== undefined && { ca }),
			minVersion: settings.minVersion,
			maxVersion: settings.maxVersion,
			...(settings.ciphers !== undefined && { ciphers: settings.ciphers }),
			requestCert: settings.clientAuth !== "NoClientCert",
			rejectUnauthorized: settings.clientAuth === "RequireAndVerifyClientCert",
		},
	};
}

/** Whether a connection is to be refused for the certificate that its client has, or has not, shown. */
export function isClientRefused(clientAuth: ClientAuth, socket: TLSSocket): boolean {
	const isShown = Object.keys(socket.getPeerCertificate()).length > 0;
	if (clientAuth === "RequireAnyClientCert") return !isShown;
	return clientAuth === "VerifyClientCertIfGiven" && isShown && !socket.authorized;
}

/** Who a verified client certificate stands for: its common name. It may scrape and no more, since whoever the authority has signed is let in. */
export function certificatePrincipal({ socket }: IncomingMessage): Principal | undefined {
	const { authorized } = socket as TLSSocket;
	if (!authorized) return undefined;
	const name = (socket as TLSSocket).getPeerCertificate().subject?.CN;
	if (typeof name !== "string" || name === "" || name.length > MAX_NAME) return undefined;
	return { name, id: `certificate:${name}`, method: "certificate", scopes: ["metrics"], sees: SEES_ALL };
}

const MAX_NAME = 256;

function read(file: string, setting: string): Buffer {
	try {
		return readFileSync(file);
	} catch (cause) {
		const message = `${file} cannot be read (${messageOf(cause)}): make it readable, or change ${setting} in WEB_CONFIG_FILE`;
		throw new BulkheadError("CONFIG_INVALID", message, { cause });
	}
}
