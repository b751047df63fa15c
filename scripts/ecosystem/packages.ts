/** A package, and what a module does with it. */
export interface EcosystemPackage {
	readonly name: string;
	/**
	 * An expression that is true when the package works. `p` is the package's default export, or all of it where it has none;
	 * `n` is what it exports by name. What else is at hand: see `AT_HAND` of run.ts.
	 */
	readonly use: string;
	/** Why it cannot work without a grant, or at all, where that is so. */
	readonly needs?: string;
}

const NATIVE = "is native code, which no module may load: see docs/packages.md for what takes its place";
const NEEDS_CANVAS = "takes DOMMatrix from @napi-rs/canvas, which is native code";
const READS_PROJECT =
	"reads the package.json of the project as it is loaded, which `permissions: { read: [package.json] }` opens";

/** The most used packages of the field, by what they are for. */
export const PACKAGES: readonly EcosystemPackage[] = [
	// Language
	{
		name: "lodash",
		use: `p.bind(function () { return this.x; }, { x: 1 })() === 1 && p.chunk([1, 2, 3], 2).length === 2`,
	},
	{ name: "lodash-es", use: `n.chunk([1, 2, 3], 2).length === 2` },
	{ name: "underscore", use: `p.bind(function () { return this.x; }, { x: 1 })() === 1` },
	{ name: "ramda", use: `n.pipe(n.inc, n.double ?? ((x) => x * 2))(1) === 4` },
	{ name: "bluebird", use: `await p.map([1, 2], (x) => x * 2).then((xs) => xs[1] === 4)` },
	{ name: "async", use: `(await n.mapLimit([1, 2], 1, async (x) => x * 2))[1] === 4` },
	{ name: "rxjs", use: `(await n.lastValueFrom(n.of(1, 2))) === 2` },
	{ name: "immutable", use: `n.Map({ a: 1 }).set("a", 2).get("a") === 2` },
	{ name: "immer", use: `n.produce({ a: 1 }, (d) => { d.a = 2; }).a === 2` },
	{ name: "mobx", use: `n.observable({ a: [1] }).a.length === 1` },
	{
		name: "zone.js",
		use: `Zone.current.fork({ name: "z", properties: { a: 1 } }).run(() => Zone.current.get("a")) === 1`,
	},
	{ name: "eventemitter3", use: `new (n.EventEmitter ?? p)().on("a", () => 0).emit("a")` },
	{ name: "p-limit", use: `(await p(1)(async () => 5)) === 5` },
	{ name: "p-queue", use: `(await new p({ concurrency: 1 }).add(async () => 5)) === 5` },
	{ name: "p-retry", use: `(await p(async () => 5)) === 5` },
	{ name: "p-map", use: `(await p([1], async (x) => x))[0] === 1` },
	{ name: "bottleneck", use: `(await new p().schedule(async () => 5)) === 5` },
	{ name: "lru-cache", use: `new n.LRUCache({ max: 2 }).set("a", 1).get("a") === 1` },
	{ name: "quick-lru", use: `new p({ maxSize: 2 }).set("a", 1).get("a") === 1` },
	{
		name: "node-cache",
		use: `(() => { const c = new p({ checkperiod: 0 }); c.set("a", 1); return c.get("a") === 1; })()`,
	},
	{
		name: "keyv",
		use: `await (async () => { const k = new (n.Keyv ?? p)(); await k.set("a", 1); return (await k.get("a")) === 1; })()`,
	},
	{ name: "memoizee", use: `p((x) => x + 1)(1) === 2` },
	{ name: "core-js", use: `Object.groupBy([1, 2], (x) => (x % 2 ? "odd" : "even")).odd[0] === 1` },
	{
		name: "reflect-metadata",
		use: `(() => { const o = {}; Reflect.defineMetadata("k", 1, o); return Reflect.getMetadata("k", o) === 1; })()`,
	},
	{
		name: "inversify",
		use: `(() => { const c = new n.Container(); c.bind("a").toConstantValue(1); return c.get("a") === 1; })()`,
	},
	{ name: "fp-ts", use: `n.option.isSome(n.option.some(1))` },
	{ name: "dataloader", use: `(await new p(async (ks) => ks).load(1)) === 1` },
	{ name: "fastq", use: `(await p.promise(async (x) => x, 1).push(3)) === 3` },
	// HTTP servers
	{ name: "express", use: `await local(p().get("/", (_q, r) => r.send("hi")), async (u) => (await text(u)) === "hi")` },
	{
		name: "koa",
		use: `await local(new p().use((c) => { c.body = "hi"; }).callback(), async (u) => (await text(u)) === "hi")`,
	},
	{ name: "fastify", use: `(await p().get("/", async () => "hi").inject("/")).body === "hi"` },
	{
		name: "@fastify/cors",
		use: `await (async () => { const f = (await import("fastify")).default(); await f.register(p, { origin: "http://a.example" }); f.get("/", async () => "x"); return (await f.inject("/")).headers["access-control-allow-origin"] === "http://a.example"; })()`,
	},
	{
		name: "@hapi/hapi",
		use: `await (async () => { const s = n.server(); s.route({ method: "GET", path: "/", handler: () => "hi" }); return (await s.inject("/")).payload === "hi"; })()`,
	},
	{ name: "connect", use: `await local(p().use((_q, r) => r.end("hi")), async (u) => (await text(u)) === "hi")` },
	{
		name: "cors",
		use: `await local((q, r) => p()(q, r, () => r.end("hi")), async (u) => (await fetch(u)).headers.get("access-control-allow-origin") === "*")`,
	},
	{
		name: "helmet",
		use: `await local((q, r) => p()(q, r, () => r.end("hi")), async (u) => (await fetch(u)).headers.get("x-content-type-options") === "nosniff")`,
	},
	{
		name: "morgan",
		use: `await new Promise((done) => local((q, r) => (typeof n === "function" ? n : p)("tiny", { stream: { write: (l) => done(l.startsWith("GET / 200")) } })(q, r, () => r.end("hi")), (u) => text(u)))`,
	},
	{
		name: "body-parser",
		use: `await local((q, r) => p.json()(q, r, () => r.end(String(q.body.a))), async (u) => (await text(u, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ a: 5 }) })) === "5")`,
	},
	{
		name: "cookie-parser",
		use: `await local((q, r) => p()(q, r, () => r.end(q.cookies.a)), async (u) => (await text(u, { headers: { cookie: "a=b" } })) === "b")`,
	},
	{
		name: "compression",
		use: `await local((q, r) => p({ threshold: 0 })(q, r, () => { r.setHeader("content-type", "text/plain"); r.end("hi".repeat(1000)); }), async (u) => { const got = await fetch(u); return got.headers.get("content-encoding") !== null && (await got.text()).length === 2000; })`,
	},
	{
		name: "express-session",
		use: `await local((q, r) => p({ secret: "s", resave: false, saveUninitialized: true })(q, r, () => { q.session.a = 1; r.end("hi"); }), async (u) => (await fetch(u)).headers.get("set-cookie").startsWith("connect.sid="))`,
	},
	{
		name: "passport",
		use: `await new Promise((done) => { const q = {}; new p.Passport().use("a", { authenticate() { this.success({ id: 1 }); } }).authenticate("a", { session: false })(q, {}, () => done(q.user.id === 1)); })`,
	},
	{
		name: "multer",
		use: `await local((q, r) => p({ storage: p.memoryStorage() }).single("a")(q, r, () => r.end(q.file.buffer)), async (u) => { const body = new FormData(); body.set("a", new Blob(["hi"]), "a.txt"); return (await text(u, { method: "POST", body })) === "hi"; })`,
	},
	{
		name: "socket.io",
		use: `await local(() => 0, async (u, _port, s) => { const io = new n.Server(s); const t = await text(u + "/socket.io/?EIO=4&transport=polling"); io.close(); return t.startsWith('0{"sid"'); })`,
	},
	{
		name: "ws",
		use: `await local(() => 0, (_u, port, server) => new Promise((done) => { const s = new n.WebSocketServer({ server }); s.on("connection", (c) => c.on("message", (m) => c.send(m))); const c = new n.WebSocket("ws://127.0.0.1:" + port); c.on("open", () => c.send("hi")).on("message", (m) => { c.terminate(); done(String(m) === "hi"); }); }))`,
	},
	// HTTP clients
	{ name: "axios", use: `await local({ a: 1 }, async (u) => (await p.get(u)).data.a === 1)` },
	{ name: "got", use: `await local({ a: 1 }, async (u) => (await (n.got ?? p)(u).json()).a === 1)` },
	{ name: "node-fetch", use: `await local({ a: 1 }, async (u) => (await (await p(u)).json()).a === 1)` },
	{ name: "undici", use: `await local({ a: 1 }, async (u) => (await (await n.request(u)).body.json()).a === 1)` },
	{ name: "superagent", use: `await local({ a: 1 }, async (u) => (await p.get(u)).body.a === 1)` },
	{
		name: "supertest",
		use: `(await p((_q, r) => { r.setHeader("content-type", "text/plain"); r.end("hi"); }).get("/").expect(200)).text === "hi"`,
	},
	{ name: "ky", use: `await local({ a: 1 }, async (u) => (await p.get(u).json()).a === 1)` },
	{
		name: "nock",
		use: `await (async () => { p("http://x.invalid").get("/").reply(200, "hi"); return (await text("http://x.invalid/")) === "hi"; })()`,
	},
	{
		name: "form-data",
		use: `(() => { const f = new p(); f.append("a", "b"); return f.getBuffer().toString().includes('name="a"'); })()`,
	},
	{
		name: "http-proxy",
		use: `await local({ a: 1 }, (target) => local((q, r) => p.createProxyServer({}).web(q, r, { target }), async (u) => JSON.parse(await text(u)).a === 1))`,
	},
	{
		name: "https-proxy-agent",
		use: `await local(() => 0, (u, _port, s) => { s.on("connect", (_q, c) => c.end("HTTP/1.1 407 No\\r\\n\\r\\n")); return new Promise((done) => https.get("https://x.invalid/", { agent: new n.HttpsProxyAgent(u) }, (r) => done(r.statusCode === 407))); })`,
	},
	{
		name: "agentkeepalive",
		use: `await local({ a: 1 }, (u) => new Promise((done) => http.get(u, { agent: new p() }, (r) => { r.destroy(); done(r.statusCode === 200); })))`,
	},
	{
		name: "socket.io-client",
		use: `await new Promise((done) => { const s = n.io("http://127.0.0.1:1", { reconnection: false }); s.on("connect_error", () => { s.close(); done(true); }); })`,
	},
	{ name: "tough-cookie", use: `n.Cookie.parse("a=b").key === "a"` },
	{
		name: "graphql",
		use: `(await n.graphql({ schema: n.buildSchema("type Query { a: Int }"), source: "{ a }", rootValue: { a: 1 } })).data.a === 1`,
	},
	{
		name: "graphql-request",
		use: `await local({ data: { a: 1 } }, async (u) => (await new n.GraphQLClient(u).request("{ a }")).a === 1)`,
	},
	// Databases
	{ name: "pg", use: `await refused(new (n.Pool ?? p.Pool)({ host: "127.0.0.1", port: 1 }).query("select 1"))` },
	{
		name: "mysql",
		use: `p.format("select ?", ["a'b"]).includes("\\'") && (await new Promise((done) => p.createConnection({ host: "127.0.0.1", port: 1 }).connect((e) => done(e.code === "ECONNREFUSED"))))`,
	},
	{
		name: "mysql2",
		use: `p.format("select ?", ["a'b"]).includes("\\'") && (await new Promise((done) => p.createConnection({ host: "127.0.0.1", port: 1 }).on("error", (e) => done(e.code === "ECONNREFUSED"))))`,
	},
	{
		name: "mongodb",
		use: `await refused(new n.MongoClient("mongodb://127.0.0.1:1", { serverSelectionTimeoutMS: 3000 }).connect())`,
	},
	{
		name: "mongoose",
		use: `new (p.model("T", new p.Schema({ a: { type: Number, min: 2 } })))({ a: 1 }).validateSync().errors.a.kind === "min"`,
	},
	{
		name: "redis",
		use: `await refused(n.createClient({ url: "redis://127.0.0.1:1", socket: { reconnectStrategy: false } }).on("error", () => 0).connect())`,
	},
	{
		name: "ioredis",
		use: `await new Promise((done) => new (n.Redis ?? p)(1, "127.0.0.1", { retryStrategy: null }).on("error", (e) => done(e.code === "ECONNREFUSED")))`,
	},
	{ name: "knex", use: `p({ client: "pg" })("t").where("a", 1).toString() === 'select * from "t" where "a" = 1'` },
	{
		name: "sequelize",
		use: `await refused(new n.Sequelize("postgres://127.0.0.1:1/x", { logging: false }).authenticate())`,
	},
	{
		name: "typeorm",
		use: `await refused(new n.DataSource({ type: "postgres", host: "127.0.0.1", port: 1 }).initialize())`,
	},
	{
		name: "@elastic/elasticsearch",
		use: `await local((_q, r) => { r.setHeader("x-elastic-product", "Elasticsearch"); r.setHeader("content-type", "application/vnd.elasticsearch+json; compatible-with=9"); r.end(JSON.stringify({ cluster_name: "a" })); }, async (node) => (await new n.Client({ node }).info()).cluster_name === "a")`,
	},
	{
		name: "cassandra-driver",
		use: `await refused(new n.Client({ contactPoints: ["127.0.0.1:1"], localDataCenter: "a" }).connect())`,
	},
	{ name: "neo4j-driver", use: `await refused((n.driver ?? p.driver)("bolt://127.0.0.1:1").verifyConnectivity())` },
	{
		name: "tedious",
		use: `await new Promise((done) => new (n.Connection ?? p.Connection)({ server: "127.0.0.1", options: { port: 1 }, authentication: { type: "default", options: { userName: "a", password: "b" } } }).connect((e) => done(e.code === "ESOCKET")))`,
	},
	{ name: "better-sqlite3", use: `new p(":memory:").prepare("select 1 as a").get().a === 1`, needs: NATIVE },
	{ name: "sql.js", use: `new (await p()).Database().exec("select 1 as a")[0].values[0][0] === 1` },
	{
		name: "drizzle-orm",
		use: `new (await import("drizzle-orm/pg-core")).PgDialect().sqlToQuery(n.sql\`select \${5}\`).params[0] === 5`,
	},
	{
		name: "memcached",
		use: `await new Promise((done) => new p("127.0.0.1:1", { retries: 0, timeout: 500 }).get("a", (e) => done(e !== undefined)))`,
	},
	{ name: "@influxdata/influxdb-client", use: `new n.Point("a").floatField("b", 1).toLineProtocol().includes("b=1")` },
	{
		name: "@clickhouse/client",
		use: `await local({ data: [{ a: 1 }] }, async (url) => (await (await n.createClient({ url }).query({ query: "select 1", format: "JSON" })).json()).data[0].a === 1)`,
	},
	{ name: "nano", use: `await local({ _id: "b", a: 1 }, async (u) => (await p(u).use("a").get("b")).a === 1)` },
	// Queues
	{
		name: "bullmq",
		use: `await new Promise((done) => new n.Queue("a", { connection: { host: "127.0.0.1", port: 1 } }).on("error", (e) => done(isRefused(e))))`,
	},
	{
		name: "bull",
		use: `await new Promise((done) => new p("a", { redis: { host: "127.0.0.1", port: 1 } }).on("error", (e) => done(isRefused(e))))`,
	},
	{ name: "amqplib", use: `await refused((n.connect ?? p.connect)("amqp://127.0.0.1:1"))` },
	{
		name: "kafkajs",
		use: `await refused(new n.Kafka({ brokers: ["127.0.0.1:1"], logLevel: 0, retry: { retries: 0 } }).producer().connect())`,
	},
	{ name: "nats", use: `await refused(n.connect({ servers: "127.0.0.1:1", reconnect: false }))` },
	{
		name: "mqtt",
		use: `await new Promise((done) => (n.connect ?? p.connect)("mqtt://127.0.0.1:1", { reconnectPeriod: 0 }).on("error", (e) => done(isRefused(e))))`,
	},
	{
		name: "node-cron",
		use: `await new Promise((done) => { const t = (n.schedule ?? p.schedule)("* * * * * *", () => { t.stop(); done(true); }); })`,
	},
	{ name: "cron", use: `new n.CronTime("0 0 1 1 *").sendAt().month === 1` },
	{
		name: "node-schedule",
		use: `(() => { const j = p.scheduleJob("0 0 1 1 *", () => 0); return j.nextInvocation().getMonth() === 0 && j.cancel(); })()`,
	},
	// Clouds
	{
		name: "@aws-sdk/client-s3",
		use: `await local((_q, r) => r.end("hi"), async (endpoint) => (await (await new n.S3Client({ region: "x", endpoint, forcePathStyle: true, credentials: { accessKeyId: "a", secretAccessKey: "b" } }).send(new n.GetObjectCommand({ Bucket: "b", Key: "k" }))).Body.transformToString()) === "hi")`,
	},
	{
		name: "@aws-sdk/client-dynamodb",
		use: `await local({ TableNames: ["a"] }, async (endpoint) => (await new n.DynamoDBClient({ region: "x", endpoint, credentials: { accessKeyId: "a", secretAccessKey: "b" } }).send(new n.ListTablesCommand({}))).TableNames[0] === "a")`,
	},
	{
		name: "@aws-sdk/client-cloudwatch",
		use: `await refused(new n.CloudWatchClient({ region: "x", endpoint: "http://127.0.0.1:1", maxAttempts: 1, credentials: { accessKeyId: "a", secretAccessKey: "b" } }).send(new n.ListMetricsCommand({})))`,
	},
	{
		name: "@aws-sdk/credential-providers",
		use: `await (async () => { process.env.AWS_ACCESS_KEY_ID = "a"; process.env.AWS_SECRET_ACCESS_KEY = "b"; return (await n.fromEnv()()).accessKeyId === "a"; })()`,
	},
	{
		name: "aws-sdk",
		use: `await local((_q, r) => r.end("hi"), async (endpoint) => (await new p.S3({ region: "x", endpoint, s3ForcePathStyle: true, credentials: { accessKeyId: "a", secretAccessKey: "b" } }).getObject({ Bucket: "b", Key: "k" }).promise()).Body.toString() === "hi")`,
	},
	{
		name: "@azure/identity",
		use: `await new n.ClientSecretCredential("t", "b", "c", { authorityHost: "https://127.0.0.1:1", disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } }).getToken("x/.default").catch((e) => e.message.includes("endpoints_resolution_error"))`,
	},
	{
		name: "@azure/storage-blob",
		use: `(await new n.BlobServiceClient("https://a.blob.core.windows.net", new n.StorageSharedKeyCredential("a", "Yg==")).getContainerClient("c").getBlobClient("b").generateSasUrl({ permissions: n.BlobSASPermissions.parse("r"), expiresOn: new Date(2e12) })).includes("sig=")`,
	},
	{
		name: "@google-cloud/storage",
		use: `await local({ items: [{ id: "a" }] }, async (apiEndpoint) => (await new n.Storage({ projectId: "x", apiEndpoint }).getBuckets())[0][0].name === "a")`,
	},
	{
		name: "google-auth-library",
		use: `new n.OAuth2Client("a").generateAuthUrl({ scope: "x" }).startsWith("https://")`,
	},
	{
		name: "@kubernetes/client-node",
		use: `await local({ items: [{ metadata: { name: "a" } }] }, async (server) => { const k = new n.KubeConfig(); k.loadFromOptions({ clusters: [{ name: "c", server, skipTLSVerify: true }], users: [{ name: "u" }], contexts: [{ name: "x", cluster: "c", user: "u" }], currentContext: "x" }); return (await k.makeApiClient(n.CoreV1Api).listNamespace()).items[0].metadata.name === "a"; })`,
	},
	{
		name: "dockerode",
		use: `await local([{ Id: "a" }], async (_u, port) => (await new p({ host: "127.0.0.1", port }).listContainers())[0].Id === "a")`,
	},
	{
		name: "@octokit/rest",
		use: `await local({ id: 1 }, async (baseUrl) => (await new n.Octokit({ baseUrl }).rest.repos.get({ owner: "a", repo: "b" })).data.id === 1)`,
	},
	{
		name: "@slack/web-api",
		use: `await local({ ok: true }, async (u) => (await new n.WebClient("x", { slackApiUrl: u + "/" }).auth.test()).ok)`,
	},
	{
		name: "stripe",
		use: `await local({ id: "cus_1" }, async (_u, port) => (await new (n.Stripe ?? p)("sk_test_x", { host: "127.0.0.1", port, protocol: "http" }).customers.retrieve("cus_1")).id === "cus_1")`,
	},
	{
		name: "twilio",
		use: `(() => { const t = new p.twiml.MessagingResponse(); t.message("hi"); return String(t).includes("<Message>hi</Message>"); })()`,
	},
	{
		name: "@sendgrid/mail",
		use: `await local({}, async (u) => { p.setApiKey("SG.x"); p.client.setDefaultRequest("baseUrl", u); return (await p.send({ to: "a@b.co", from: "a@b.co", subject: "s", text: "x" }))[0].statusCode === 200; })`,
	},
	{
		name: "openai",
		use: `await local({ object: "list", data: [{ id: "m" }] }, async (baseURL) => (await new (n.OpenAI ?? p)({ apiKey: "x", baseURL }).models.list()).data[0].id === "m")`,
	},
	{
		name: "@anthropic-ai/sdk",
		use: `await local({ content: [{ type: "text", text: "hi" }] }, async (baseURL) => (await new (n.Anthropic ?? p)({ apiKey: "x", baseURL }).messages.create({ model: "m", max_tokens: 1, messages: [{ role: "user", content: "x" }] })).content[0].text === "hi")`,
	},
	// Formats
	{ name: "yaml", use: `n.parse("a: 1").a === 1` },
	{ name: "js-yaml", use: `n.load("a: 1").a === 1` },
	{ name: "ini", use: `n.parse("a=1").a === "1"` },
	{ name: "toml", use: `n.parse("a = 1").a === 1` },
	{ name: "dotenv", use: `n.parse("A=1").A === "1"` },
	{ name: "csv-parse", use: `await new Promise((done) => n.parse("a,b", (_e, rows) => done(rows[0][1] === "b")))` },
	{
		name: "csv-stringify",
		use: `await new Promise((done) => n.stringify([["a", "b"]], (_e, text) => done(text === "a,b\\n")))`,
	},
	{ name: "papaparse", use: `p.parse("a,b").data[0][1] === "b"` },
	{ name: "xml2js", use: `(await p.parseStringPromise("<a>1</a>")).a === "1"` },
	{ name: "fast-xml-parser", use: `new n.XMLParser().parse("<a>1</a>").a === 1` },
	{ name: "cheerio", use: `n.load("<p>a</p>")("p").text() === "a"` },
	{ name: "htmlparser2", use: `n.parseDocument("<p>a</p>").children.length === 1` },
	{ name: "jsdom", use: `new n.JSDOM("<p>a</p>").window.document.querySelector("p").textContent === "a"` },
	{ name: "marked", use: `n.marked.parse("# a").includes("<h1>")` },
	{ name: "markdown-it", use: `new p().render("# a").includes("<h1>")` },
	{ name: "sanitize-html", use: `p("<script>1</script>a") === "a"` },
	{ name: "turndown", use: `new p().turndown("<h1>a</h1>").includes("a")` },
	{
		name: "exceljs",
		use: `(await (() => { const b = new p.Workbook(); b.addWorksheet("a").addRow([1]); return b.xlsx.writeBuffer(); })()).byteLength > 100`,
	},
	{ name: "xlsx", use: `(n.utils ?? p.utils).aoa_to_sheet([[1]]).A1.v === 1` },
	{ name: "pdf-lib", use: `(await (await n.PDFDocument.create()).save()).length > 100` },
	{
		name: "pdfkit",
		use: `await new Promise((done) => { const d = new p(); d.on("data", () => 0).on("end", () => done(true)); d.text("a"); d.end(); })`,
	},
	{ name: "pdf-parse", use: `typeof (n.PDFParse ?? p) === "function"`, needs: NEEDS_CANVAS },
	{ name: "jszip", use: `(await new p().file("a", "b").generateAsync({ type: "uint8array" })).length > 20` },
	{
		name: "adm-zip",
		use: `(() => { const z = new p(); z.addFile("a", Buffer.from("b")); return z.toBuffer().length > 20; })()`,
	},
	{
		name: "protobufjs",
		use: `p.parse('syntax = "proto3"; message A { int32 b = 1; }').root.lookupType("A").encode({ b: 5 }).finish().length === 2`,
	},
	{
		name: "@grpc/grpc-js",
		use: `await new Promise((done) => { const m = { path: "/a/b", requestStream: false, responseStream: false, requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String }; new (n.makeGenericClientConstructor({ b: m }, "a"))("127.0.0.1:1", n.credentials.createInsecure()).b("hi", (e) => done(e.code === n.status.UNAVAILABLE)); })`,
	},
	{ name: "avsc", use: `p.Type.forValue(5).fromBuffer(p.Type.forValue(5).toBuffer(7)) === 7` },
	{ name: "msgpackr", use: `n.unpack(n.pack({ a: 1 })).a === 1` },
	{ name: "cbor", use: `p.decodeFirstSync(await p.encodeAsync({ a: 1 })).a === 1` },
	{ name: "iconv-lite", use: `p.decode(Buffer.from([0xe4]), "latin1") === "ä"` },
	{ name: "json5", use: `p.parse("{a:1}").a === 1` },
	{ name: "jsonpath-plus", use: `n.JSONPath({ path: "$.a", json: { a: 1 } })[0] === 1` },
	{ name: "mime-types", use: `p.lookup("a.json") === "application/json"` },
	{ name: "acorn", use: `n.parse("1", { ecmaVersion: 2022 }).type === "Program"` },
	{ name: "typescript", use: `p.transpile("let a: number = 1").includes("a = 1")` },
	{ name: "@babel/core", use: `n.transformSync("1", { configFile: false, babelrc: false }).code === "1;"` },
	// Dates and numbers
	{ name: "dayjs", use: `p("2020-01-01").year() === 2020` },
	{ name: "moment", use: `p("2020-01-01").year() === 2020` },
	{ name: "moment-timezone", use: `p.tz("2020-01-01", "Europe/Berlin").format("Z") === "+01:00"` },
	{ name: "luxon", use: `n.DateTime.fromISO("2020-01-01").year === 2020` },
	{ name: "date-fns", use: `n.getYear(new Date(2020, 1)) === 2020` },
	{ name: "ms", use: `p("1s") === 1000` },
	{ name: "cron-parser", use: `(n.CronExpressionParser ?? p).parse("0 0 1 1 *").next().getMonth() === 0` },
	{ name: "mathjs", use: `n.evaluate("1 + 1") === 2` },
	{ name: "bignumber.js", use: `new (n.BigNumber ?? p)(1).plus(1).eq(2)` },
	{ name: "decimal.js", use: `new (n.Decimal ?? p)(1).plus(1).eq(2)` },
	{ name: "simple-statistics", use: `n.mean([1, 3]) === 2` },
	// Validation
	{ name: "zod", use: `n.z.object({ a: n.z.number() }).parse({ a: 1 }).a === 1` },
	{ name: "joi", use: `p.object({ a: p.number() }).validate({ a: 1 }).error === undefined` },
	{ name: "ajv", use: `new (n.Ajv ?? p)().compile({ type: "number" })(1)` },
	{ name: "yup", use: `await n.number().isValid(1)` },
	{ name: "superstruct", use: `n.is(1, n.number())` },
	{ name: "valibot", use: `n.parse(n.number(), 1) === 1` },
	{ name: "class-validator", use: `n.isEmail("a@b.co")` },
	{ name: "class-transformer", use: `n.instanceToPlain({ a: 1 }).a === 1` },
	{ name: "validator", use: `p.isEmail("a@b.co")` },
	{ name: "jsonschema", use: `n.validate(1, { type: "number" }).valid` },
	{ name: "@sinclair/typebox", use: `(await import("@sinclair/typebox/value")).Value.Check(n.Type.Number(), 1)` },
	// Logging
	{
		name: "pino",
		use: `await new Promise((done) => p({}, { write: (l) => done(JSON.parse(l).msg === "hi") }).info("hi"))`,
	},
	{
		name: "winston",
		use: `await new Promise((done) => n.createLogger({ transports: [new n.transports.Stream({ stream: new stream.Writable({ write: (c, _e, next) => { next(); done(String(c).includes("hi")); } }) })] }).info("hi"))`,
	},
	{
		name: "bunyan",
		use: `await new Promise((done) => p.createLogger({ name: "a", streams: [{ type: "raw", stream: { write: (r) => done(r.msg === "hi") } }] }).info("hi"))`,
	},
	{
		name: "log4js",
		use: `(() => { p.configure({ appenders: { m: { type: "recording" } }, categories: { default: { appenders: ["m"], level: "info" } } }); p.getLogger().info("hi"); return p.recording().replay()[0].data[0] === "hi"; })()`,
	},
	{
		name: "debug",
		use: `(() => { const d = p("a"); let line = ""; d.log = (x) => { line = x; }; d.enabled = true; d("hi"); return line.includes("hi"); })()`,
	},
	{ name: "loglevel", use: `(() => { p.setLevel("error", false); return p.getLevel() === 4; })()` },
	{
		name: "signale",
		use: `(() => { let t = ""; new (n.Signale ?? p.Signale)({ stream: { write: (x) => { t += x; } } }).info("hi"); return t.includes("hi"); })()`,
	},
	{
		name: "consola",
		use: `(() => { let t; n.createConsola({ reporters: [{ log: (x) => { t = x.args[0]; } }] }).info("hi"); return t === "hi"; })()`,
	},
	// Templates
	{ name: "handlebars", use: `p.compile("{{a}}")({ a: 1 }) === "1"` },
	{ name: "mustache", use: `p.render("{{a}}", { a: 1 }) === "1"` },
	{ name: "ejs", use: `p.render("<%= a %>", { a: 1 }) === "1"` },
	{ name: "pug", use: `p.render("p a") === "<p>a</p>"` },
	{ name: "nunjucks", use: `p.renderString("{{ a }}", { a: 1 }) === "1"` },
	{ name: "liquidjs", use: `(await new n.Liquid().parseAndRender("{{ a }}", { a: 1 })) === "1"` },
	// Metrics and traces
	{
		name: "prom-client",
		use: `await (async () => { const r = new n.Registry(); new n.Counter({ name: "x_total", help: "x", registers: [r] }).inc(2); return (await r.metrics()).includes("x_total 2"); })()`,
	},
	{
		name: "@prometheus-io/client",
		use: `await (async () => { const r = new n.Registry(); new n.Counter({ name: "x_total", help: "x", registers: [r] }).inc(2); return (await r.metrics()).includes("x_total 2"); })()`,
	},
	{
		name: "express-prom-bundle",
		use: `await local((await import("express")).default().use(p({ includeMethod: true })), async (u) => { await text(u + "/x"); return (await text(u + "/metrics")).includes('method="GET"'); })`,
	},
	{
		name: "prometheus-api-metrics",
		use: `await local((await import("express")).default().use(p()), async (u) => (await text(u + "/metrics")).includes("process_cpu"))`,
		needs: READS_PROJECT,
	},
	{
		name: "fastify-metrics",
		use: `await (async () => { const f = (await import("fastify")).default(); await f.register(p, { endpoint: "/metrics" }); return (await f.inject("/metrics")).body.includes("process_cpu"); })()`,
	},
	{
		name: "@opentelemetry/api",
		use: `n.context.with(n.ROOT_CONTEXT.setValue("k", 1), () => n.trace.getTracer("a").startSpan("b").isRecording()) === false`,
	},
	{
		name: "@opentelemetry/sdk-node",
		use: `await (async () => { process.env.OTEL_TRACES_EXPORTER = "none"; const s = new n.NodeSDK({ autoDetectResources: false }); s.start(); await s.shutdown(); return true; })()`,
	},
	{
		name: "@opentelemetry/sdk-metrics",
		use: `await (async () => { const r = new (class extends n.MetricReader { onForceFlush() {} onShutdown() {} })(); new n.MeterProvider({ readers: [r] }).getMeter("a").createCounter("b").add(3); return (await r.collect()).resourceMetrics.scopeMetrics[0].metrics[0].dataPoints[0].value === 3; })()`,
	},
	{
		name: "hot-shots",
		use: `(() => { const s = new (n.StatsD ?? p)({ mock: true }); s.increment("a"); return s.mockBuffer[0].startsWith("a:1|c"); })()`,
	},
	// MCP
	{
		name: "@modelcontextprotocol/server",
		use: `await (async () => { const s = new n.McpServer({ name: "a", version: "1" }); s.registerTool("t", {}, () => ({ content: [] })); const [a, b] = n.InMemoryTransport.createLinkedPair(); await s.connect(a); return new Promise((done) => { b.onmessage = (m) => done(m.result !== undefined); void b.start().then(() => b.send({ jsonrpc: "2.0", id: 1, method: "ping" })); }); })()`,
	},
	{
		name: "@modelcontextprotocol/client",
		use: `await (async () => { const { McpServer } = await import("@modelcontextprotocol/server"); const [a, b] = n.InMemoryTransport.createLinkedPair(); const s = new McpServer({ name: "a", version: "1" }); s.registerTool("t", {}, () => ({ content: [{ type: "text", text: "hi" }] })); const c = new n.Client({ name: "a", version: "1" }); await Promise.all([s.connect(a), c.connect(b)]); return (await c.callTool({ name: "t" })).content[0].text === "hi"; })()`,
	},
	{
		name: "zod-to-json-schema",
		use: `n.zodToJsonSchema((await import("zod/v3")).z.object({ a: (await import("zod/v3")).z.number() })).properties.a.type === "number"`,
	},
	// Tools
	{ name: "commander", use: `new n.Command().option("-a").parse(["-a"], { from: "user" }).opts().a === true` },
	{
		name: "execa",
		use: `await n.execa("ls").then(() => false, (e) => e.originalMessage.includes("childProcess: true"))`,
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
