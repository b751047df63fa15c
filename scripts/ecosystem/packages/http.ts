import type { EcosystemPackage } from "./ecosystem-package.ts";

/** Servers and clients of HTTP. */
export const HTTP: readonly EcosystemPackage[] = [
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
];
