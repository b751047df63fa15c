import type { EcosystemPackage } from "./ecosystem-package.ts";

/** All else. */
export const TOOLS: readonly EcosystemPackage[] = [
	{ name: "commander", use: `new n.Command().option("-a").parse(["-a"], { from: "user" }).opts().a === true` },
	{
		name: "execa",
		use: `await n.execa("ls").then(() => false, (e) => String(e.originalMessage).includes("childProcess: true"))`,
	},
	{ name: "fs-extra", use: `await (n.pathExists ?? p.pathExists)(import_meta_file)` },
	{ name: "graceful-fs", use: `(n.readFileSync ?? p.readFileSync)(import_meta_file, "utf8").length > 10` },
	{
		name: "chokidar",
		use: `await new Promise((done) => { const w = (n.watch ?? p.watch)(import_meta_file).on("add", () => { void w.close(); done(true); }); })`,
	},
	{ name: "semver", use: `p.satisfies("1.2.3", "^1.0.0")` },
	{ name: "uuid", use: `n.v4().length === 36` },
	{ name: "nanoid", use: `n.nanoid().length === 21` },
	{ name: "chalk", use: `new (n.Chalk ?? p.Instance)({ level: 1 }).red("a") === "\\u001b[31ma\\u001b[39m"` },
	{ name: "minimist", use: `p(["-a"]).a === true` },
	{
		name: "nodemailer",
		use: `(await p.createTransport({ jsonTransport: true }).sendMail({ from: "a@b.co", to: "a@b.co", text: "x" })).messageId.length > 5`,
	},
	{ name: "ping", use: `typeof (n.promise ?? p.promise).probe === "function"` },
	{ name: "simple-git", use: `typeof (n.simpleGit ?? p) === "function"` },
	{ name: "systeminformation", use: `p.time().uptime > 0` },
	{
		name: "whois",
		use: `await new Promise((done) => p.lookup("a.example", { server: { host: "127.0.0.1", port: 1 } }, (e) => done(isRefused(e))))`,
	},
	{ name: "ssh2", use: `p.utils.parseKey(p.utils.generateKeyPairSync("ed25519").private).type === "ssh-ed25519"` },
	{
		name: "net-snmp",
		use: `await new Promise((done) => p.createSession("127.0.0.1", "public", { port: 1, timeout: 100, retries: 0 }).get(["1.3.6.1.2.1.1.5.0"], (e) => done(e !== null)))`,
	},
	{ name: "natural", use: `p.PorterStemmer.stem("running") === "run"` },
	{ name: "tiktoken", use: `n.get_encoding("gpt2").encode("hello world").length === 2` },
	{ name: "js-tiktoken", use: `n.getEncoding("gpt2").encode("hello world").length === 2` },
	{ name: "jsonwebtoken", use: `p.verify(p.sign({ a: 1 }, "s"), "s").a === 1` },
	{
		name: "jose",
		use: `(await new n.SignJWT({ a: 1 }).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32))).split(".").length === 3`,
	},
	{ name: "bcryptjs", use: `p.compareSync("a", p.hashSync("a", 4))` },
	{ name: "node-forge", use: `p.md.sha256.create().update("a").digest().toHex().length === 64` },
	{ name: "crypto-js", use: `p.SHA256("a").toString().length === 64` },
	{ name: "qs", use: `p.parse("a[b]=1").a.b === "1"` },
	{ name: "query-string", use: `p.parse("a=1").a === "1"` },
	{ name: "fuse.js", use: `new p(["abc"]).search("abc").length === 1` },
	{
		name: "lunr",
		use: `p(function () { this.field("a"); this.add({ id: "1", a: "hello" }); }).search("hello")[0].ref === "1"`,
	},
	{ name: "ipaddr.js", use: `p.parse("127.0.0.1").range() === "loopback"` },
	{
		name: "ua-parser-js",
		use: `new (n.UAParser ?? p)("Mozilla/5.0 (X11; Linux x86_64; rv:99.0) Gecko/20100101 Firefox/99.0").getBrowser().name === "Firefox"`,
	},
	{
		name: "i18next",
		use: `(await p.init({ lng: "en", resources: { en: { translation: { a: "b" } } } }))("a") === "b"`,
	},
];
