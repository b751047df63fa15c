import type { EcosystemPackage } from "./ecosystem-package.ts";

/** What the language leaves to packages. */
export const LANGUAGE: readonly EcosystemPackage[] = [
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
];
