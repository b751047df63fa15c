import type { EcosystemPackage } from "./ecosystem-package.ts";

const READS_PROJECT =
	"reads the package.json of the project as it is loaded, which `permissions: { read: [/…/package.json] }` opens";

/** Logs, templates, metrics and MCP. */
export const OPERATIONS: readonly EcosystemPackage[] = [
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
];
