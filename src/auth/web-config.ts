import path from "node:path";
import * as z from "zod";
import { readCheckedYaml, type YamlResult } from "../core/checked-yaml.ts";

/** `WEB_CONFIG_FILE`, in the format of Prometheus' exporters (prometheus/exporter-toolkit, docs/web-configuration.md). */
export interface WebConfig {
	/** Undefined where connections are not encrypted. Paths are absolute. */
	readonly tls: TlsSettings | undefined;
	/** Response headers by name. */
	readonly headers: Readonly<Record<string, string>>;
	/** bcrypt hashes by user. */
	readonly users: ReadonlyMap<string, string>;
}

export interface TlsSettings {
	readonly certFile: string;
	readonly keyFile: string;
	readonly clientCaFile: string | undefined;
	readonly clientAuth: ClientAuth;
	readonly minVersion: TlsVersion;
	readonly maxVersion: TlsVersion;
	/** As OpenSSL writes them; undefined for Node's own choice. */
	readonly ciphers: string | undefined;
}

type TlsVersion = "TLSv1.2" | "TLSv1.3";
const CLIENT_AUTH = [
	"NoClientCert",
	"RequestClientCert",
	"RequireAnyClientCert",
	"VerifyClientCertIfGiven",
	"RequireAndVerifyClientCert",
] as const;
export type ClientAuth = (typeof CLIENT_AUTH)[number];

/** @param folder absolute; what relative paths in the file are relative to */
export function parseWebConfig(text: string, folder: string): YamlResult<WebConfig> {
	const read = readCheckedYaml(
		text,
		FILE,
		"is not a setting that this host knows; see docs/security.md for those there are",
	);
	if (!read.ok) return read;
	const { tls_server_config: tls, http_server_config: http, basic_auth_users: users } = read.value;
	const resolved = (file: string): string => path.resolve(folder, file);
	return {
		ok: true,
		value: {
			tls:
				tls === undefined
					? undefined
					: {
							certFile: resolved(tls.cert_file),
							keyFile: resolved(tls.key_file),
							clientCaFile: tls.client_ca_file === undefined ? undefined : resolved(tls.client_ca_file),
							clientAuth: tls.client_auth_type,
							minVersion: tls.min_version,
							maxVersion: tls.max_version,
							ciphers: tls.cipher_suites?.join(":"),
						},
			headers: http?.headers ?? {},
			// htpasswd writes $2y$ for what bcrypt calls $2b$.
			users: new Map(Object.entries(users).map(([user, hash]) => [user, hash.replace(/^\$2[ay]\$/, "$2b$")])),
		},
	};
}

const NOT_A_VERSION = "must be TLS12 or TLS13; older ones are not safe and not supported";
const version = z
	.enum(["TLS12", "TLS13"], NOT_A_VERSION)
	.transform((name): TlsVersion => (name === "TLS12" ? "TLSv1.2" : "TLSv1.3"));
const file = z.string("must be the path of a file").min(1, "must be the path of a file");
const NOT_A_HASH = "must be a bcrypt hash (htpasswd -nBC 10 '' | tr -d ':\\n') of a cost from 4 to 15";
const TLS = z
	.strictObject({
		cert_file: file,
		key_file: file,
		client_ca_file: file.optional(),
		client_auth_type: z.enum(CLIENT_AUTH, `must be one of ${CLIENT_AUTH.join(", ")}`).default("NoClientCert"),
		min_version: version.prefault("TLS12"),
		max_version: version.prefault("TLS13"),
		cipher_suites: z
			.array(
				z
					.string()
					.regex(/^TLS_[A-Z\d_]+$/, "must be the name of a cipher suite, as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
			)
			.transform((names) => names.map(openSslName))
			.optional(),
		prefer_server_cipher_suites: z.boolean("must be true or false").optional(),
		curve_preferences: z.never("is not supported: leave it out for what Node prefers").optional(),
		client_allowed_sans: z
			.never("is not supported: sign the clients that may come with a certificate authority of their own")
			.optional(),
	})
	.superRefine((tls, context) => {
		const needsCa =
			tls.client_auth_type === "VerifyClientCertIfGiven" || tls.client_auth_type === "RequireAndVerifyClientCert";
		if (needsCa && tls.client_ca_file === undefined)
			context.addIssue({
				code: "custom",
				path: ["client_auth_type"],
				message: "wants client_ca_file, with which certificates are verified",
			});
		if (tls.min_version > tls.max_version)
			context.addIssue({ code: "custom", path: ["min_version"], message: "must not be above max_version" });
	});
const FILE = z
	.strictObject({
		tls_server_config: TLS.optional(),
		http_server_config: z
			.strictObject({
				http2: z
					.boolean("must be true or false")
					.refine((http2) => !http2, "must be false: this host speaks HTTP/1.1 alone; put a proxy before it for HTTP/2")
					.optional(),
				headers: z
					.record(
						z.string().regex(/^[\w-]+$/, "must be the name of a header"),
						z.string("must be a text").regex(/^[\x20-\x7e]*$/, "must be printable ASCII"),
					)
					.optional(),
			})
			.optional(),
		basic_auth_users: z
			.record(
				z.string().regex(/^[^:]{1,64}$/, "must be a name of at most 64 characters without a colon"),
				z.string(NOT_A_HASH).regex(/^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z\d]{53}$/, NOT_A_HASH),
				"must be a map of users to bcrypt hashes",
			)
			.default({}),
	})
	.nullable()
	.transform((value) => value ?? { basic_auth_users: {} });

/** Go's name of a suite as OpenSSL has it; those of TLS 1.3 have one name. */
function openSslName(name: string): string {
	if (/^TLS_(?:AES|CHACHA20)_/.test(name)) return name;
	return name
		.replace(/^TLS_/, "")
		.replace("_WITH_", "-")
		.replace(/AES_(\d+)/, "AES$1")
		.replaceAll("_", "-")
		.replace(/-SHA256$/, (end) => (name.includes("CHACHA20") ? "" : end));
}
