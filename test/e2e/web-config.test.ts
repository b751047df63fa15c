/** `WEB_CONFIG_FILE`: TLS, client certificates and passwords, as Prometheus' exporters have them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request, type RequestOptions } from "node:https";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { connect } from "node:tls";
import { hash } from "bcrypt";
import { startServer } from "../../src/composition/start-server.ts";
import { startTestServer, testSetup, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const openssl = (folder: string, ...args: readonly string[]): unknown =>
	execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });

/** An authority, a certificate of the server, and one of a client, in a folder. */
async function makeCertificates(t: TestContext): Promise<string> {
	const { folder } = await testSetup(t);
	for (const name of ["ca", "other-ca"])
		openssl(
			folder,
			..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30".split(" "),
			"-subj",
			`/CN=${name}`,
			"-keyout",
			`${name}.key`,
			"-out",
			`${name}.crt`,
		);
	await writeFile(path.join(folder, "san.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
	for (const [name, ca] of [
		["server", "ca"],
		["server-2", "ca"],
		["client", "ca"],
		["stranger", "other-ca"],
	] as const) {
		openssl(
			folder,
			..."req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(" "),
			"-subj",
			`/CN=${name}`,
			"-keyout",
			`${name}.key`,
			"-out",
			`${name}.csr`,
		);
		openssl(
			folder,
			"x509",
			"-req",
			"-in",
			`${name}.csr`,
			"-CA",
			`${ca}.crt`,
			"-CAkey",
			`${ca}.key`,
			"-CAcreateserial",
			"-days",
			"20",
			"-extfile",
			"san.ext",
			"-out",
			`${name}.crt`,
		);
	}
	return folder;
}

async function start(t: TestContext, folder: string, config: object): Promise<TestServer> {
	const file = path.join(folder, "web.yml");
	await writeFile(file, JSON.stringify(config));
	return startTestServer(t, { env: { WEB_CONFIG_FILE: file } });
}

async function get(url: string, folder: string, options: RequestOptions = {}): Promise<IncomingMessage> {
	const sent = request(url, { ca: readFileSync(path.join(folder, "ca.crt")), agent: false, ...options });
	sent.end();
	const [response] = (await once(sent, "response")) as [IncomingMessage];
	response.resume();
	return response;
}

const certificateOf = (folder: string, name: string): RequestOptions => ({
	cert: readFileSync(path.join(folder, `${name}.crt`)),
	key: readFileSync(path.join(folder, `${name}.key`)),
});

test("connections are encrypted with TLS 1.2 or 1.3, and certificates are read again when they change", async (t) => {
	const folder = await makeCertificates(t);
	for (const name of ["crt", "key"])
		await copyFile(path.join(folder, `server.${name}`), path.join(folder, `used.${name}`));
	const server = await start(t, folder, {
		tls_server_config: { cert_file: "used.crt", key_file: "used.key", min_version: "TLS13" },
		http_server_config: { http2: false, headers: { "Strict-Transport-Security": "max-age=60" } },
	});
	assert.match(server.url, /^https:/);
	const response = await get(`${server.url}/metrics`, folder);
	assert.equal(response.statusCode, 200);
	assert.equal(response.headers["strict-transport-security"], "max-age=60");
	await assert.rejects(get(server.url, folder, { maxVersion: "TLSv1.2" }));
	const commonName = async (): Promise<string | undefined> => {
		const socket = connect({
			port: Number(new URL(server.url).port),
			ca: readFileSync(path.join(folder, "ca.crt")),
			servername: "localhost",
		});
		await once(socket, "secureConnect");
		const name = socket.getPeerCertificate().subject.CN;
		socket.destroy();
		return typeof name === "string" ? name : undefined;
	};
	assert.equal(await commonName(), "server");
	for (const name of ["crt", "key"])
		await copyFile(path.join(folder, `server-2.${name}`), path.join(folder, `used.${name}`));
	await until(async () => (await commonName()) === "server-2", "the new certificate is shown");
	await writeFile(path.join(folder, "used.crt"), "not a certificate");
	await until(() => server.logged.some((line) => line.includes("stay in force")), "the wrong one is refused");
	assert.equal(await commonName(), "server-2");
});

test("client certificates: who is verified may scrape, who is not does not get through", async (t) => {
	const folder = await makeCertificates(t);
	const tls = { cert_file: "server.crt", key_file: "server.key", client_ca_file: "ca.crt" };
	const strict = await start(t, folder, {
		tls_server_config: { ...tls, client_auth_type: "RequireAndVerifyClientCert" },
	});
	await assert.rejects(get(`${strict.url}/livez`, folder));
	await assert.rejects(get(`${strict.url}/livez`, folder, certificateOf(folder, "stranger")));
	assert.equal((await get(`${strict.url}/metrics`, folder, certificateOf(folder, "client"))).statusCode, 200);
	assert.equal((await get(`${strict.url}/api/modules`, folder, certificateOf(folder, "client"))).statusCode, 403);
	const lenient = await start(t, folder, {
		tls_server_config: { ...tls, client_auth_type: "VerifyClientCertIfGiven" },
	});
	assert.equal((await get(`${lenient.url}/livez`, folder)).statusCode, 200);
	assert.equal((await get(`${lenient.url}/metrics`, folder)).statusCode, 401);
	assert.equal((await get(`${lenient.url}/metrics`, folder, certificateOf(folder, "client"))).statusCode, 200);
	await assert.rejects(get(`${lenient.url}/livez`, folder, certificateOf(folder, "stranger")));
	const any = await start(t, folder, { tls_server_config: { ...tls, client_auth_type: "RequireAnyClientCert" } });
	await assert.rejects(get(`${any.url}/livez`, folder));
	assert.equal((await get(`${any.url}/metrics`, folder, certificateOf(folder, "stranger"))).statusCode, 200);
});

test("passwords: bcrypt as htpasswd writes it, changed while the host runs; guessing is held to a few at a time", async (t) => {
	const { folder } = await testSetup(t);
	const stored = (await hash("secret", 8)).replace("$2b$", "$2y$");
	const server = await start(t, folder, { basic_auth_users: { ann: stored } });
	const status = async (user: string, password: string): Promise<number> => (await ask(user, password)).status;
	const ask = (user: string, password: string): Promise<Response> =>
		fetch(`${server.url}/metrics`, {
			headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` },
		});
	assert.equal(await status("ann", "secret"), 200);
	assert.equal(await status("ann", "secret"), 200);
	for (const [user, password] of [
		["ann", "wrong"],
		["bob", "secret"],
		["ann", ""],
		["ann", "secret\0"],
		["ann", "x".repeat(80)],
	] as const)
		assert.equal(await status(user, password), 401, `${user} ${password}`);
	const none = await fetch(`${server.url}/metrics`);
	assert.equal(none.headers.get("www-authenticate"), 'Basic realm="bulkhead", charset="UTF-8"');
	const guesses = await Promise.all(Array.from({ length: 80 }, (_, number) => status("ann", `guess-${number}`)));
	assert.ok(guesses.includes(503) && guesses.includes(401) && !guesses.includes(200));
	await writeFile(path.join(folder, "web.yml"), JSON.stringify({ basic_auth_users: { ann: await hash("other", 8) } }));
	await until(async () => (await status("ann", "other")) === 200, "the new password is in force");
	assert.equal(await status("ann", "secret"), 401);
});

test("a wrong file ends the start with every problem, and TLS alone does not open a public address", async (t) => {
	const { folder, options } = await testSetup(t);
	const file = path.join(folder, "web.yml");
	const refused = async (text: string, host = "127.0.0.1"): Promise<string> => {
		await writeFile(file, text);
		const config = { ...options.config, webConfigFile: file, host };
		const error = await startServer({ ...options, config }).then(
			() => undefined,
			(thrown: unknown) => thrown as Error & { code: string },
		);
		assert.equal(error?.code, "CONFIG_INVALID");
		return error?.message ?? "";
	};
	const told = await refused(
		"tls_server_config:\n  cert_file: a\n  min_version: TLS10\nhttp_server_config:\n  http2: true\nbasic_auth_users:\n  ann: plain\nunknown: 1\n",
	);
	for (const place of [":1:", ":3:", ":5:", ":7:", ":8:"]) assert.ok(told.includes(`web.yml${place}`), told);
	assert.match(told, /HTTP\/2/);
	assert.match(await refused("tls_server_config: { cert_file: none.crt, key_file: none.key }"), /none\.crt/);
	assert.match(await refused("", "0.0.0.0"), /basic_auth_users/);
});
