import type { EcosystemPackage } from "./ecosystem-package.ts";

const NATIVE = "is native code, which no module may load: see docs/packages.md for what takes its place";

/** Clients of databases, queues and clouds. */
export const SERVICES: readonly EcosystemPackage[] = [
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
];
