/** Small packages, each of which does what a kind of popular package does, for `npm run ecosystem` without a network. */
export interface PackageKind {
	/** Name of the package; also what it does. */
	readonly name: string;
	/** By path below the package's folder; `package.json` is added where it is not among them. */
	readonly files: Readonly<Record<string, string | Uint8Array>>;
	/** More packages, by folder below the project. */
	readonly others?: Readonly<Record<string, string>>;
	/** What the module imports, where it is not the name. */
	readonly specifier?: string;
	/** What `value` is, by import and by require where they differ. */
	readonly expects: unknown;
	readonly expectsRequired?: unknown;
}

/** `(module (func (export "seven") (result i32) i32.const 7))` */
const SEVEN = Uint8Array.from([
	0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 9, 1, 5, 115, 101, 118, 101, 110, 0, 0, 10, 6, 1,
	4, 0, 65, 7, 11,
]);
const pkg = (manifest: object): string => JSON.stringify({ version: "1.0.0", ...manifest });

export const PACKAGE_KINDS: readonly PackageKind[] = [
	{
		name: "requires-what-is-optional",
		files: {
			"index.js": `const tried = [];
for (const name of ["never-installed", "@never/installed", "never-installed/sub.js"])
	try { require(name); tried.push("found"); } catch (error) { tried.push(error.code, /^Cannot find module '/.test(error.message)); }
try { require.resolve("never-installed"); } catch (error) { tried.push(error.code); }
exports.value = tried;`,
		},
		expects: ["MODULE_NOT_FOUND", true, "MODULE_NOT_FOUND", true, "MODULE_NOT_FOUND", true, "MODULE_NOT_FOUND"],
	},
	{
		name: "imports-what-is-optional",
		files: {
			"package.json": pkg({ name: "imports-what-is-optional", type: "module" }),
			"index.js": `export const value = await import("never-installed").catch((error) => error.code);`,
		},
		expects: "ERR_MODULE_NOT_FOUND",
		expectsRequired: "ERR_REQUIRE_ASYNC_MODULE",
	},
	{
		name: "requires-in-vain-at-call-time",
		files: { "index.js": `exports.value = typeof function () { require("never-installed"); };` },
		expects: "function",
	},
	{ name: "leaks-a-global", files: { "index.js": `leaked = 5; exports.value = leaked;` }, expects: 5 },
	{
		name: "asks-arguments-callee",
		files: { "index.js": `exports.value = (function (n) { return n > 1 ? n * arguments.callee(n - 1) : 1; })(5);` },
		expects: 120,
	},
	{
		name: "takes-this-for-the-global",
		files: {
			"index.js": `exports.value = [this === module.exports, (function () { return this || global; })() === globalThis];`,
		},
		expects: [true, true],
	},
	{
		name: "uses-octals-and-with",
		files: { "index.js": `with ({ a: 010 }) { exports.value = a; }` },
		expects: 8,
	},
	{
		name: "asks-who-loaded-it",
		files: { "index.js": `exports.value = [!module.parent || typeof module.parent, require.main === module];` },
		expects: ["object", false],
	},
	{
		name: "resolves-a-file-of-its-own",
		files: {
			"index.js": `const path = require("path"); exports.value = path.relative(__dirname, require.resolve("./data.json"));`,
			"data.json": "{}",
		},
		expects: "data.json",
	},
	{
		name: "requires-by-a-variable",
		files: {
			"index.js": `exports.value = ["a", "b"].map((name) => require("./parts/" + name));`,
			"parts/a.js": "module.exports = 1;",
			"parts/b.js": "module.exports = 2;",
		},
		expects: [1, 2],
	},
	{
		name: "lists-its-own-folder",
		files: {
			"index.js": `const fs = require("fs"); exports.value = fs.readdirSync(__dirname + "/words").map((file) => fs.readFileSync(__dirname + "/words/" + file, "utf8"));`,
			"words/one.txt": "one",
		},
		expects: ["one"],
	},
	{
		name: "reads-data-by-its-url",
		files: {
			"package.json": pkg({ name: "reads-data-by-its-url", type: "module" }),
			"index.js": `import { readFileSync } from "node:fs"; export const value = readFileSync(new URL("./data.proto", import.meta.url), "utf8");`,
			"data.proto": "syntax",
		},
		expects: "syntax",
	},
	{
		name: "runs-webassembly",
		files: {
			"index.js": `const bytes = require("fs").readFileSync(require.resolve("./seven.wasm"));
exports.value = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.seven();`,
			"seven.wasm": SEVEN,
		},
		expects: 7,
	},
	{
		name: "is-large",
		files: { "index.js": `exports.value = ${JSON.stringify("x".repeat(17 << 20))}.length;` },
		expects: 17 << 20,
	},
	{
		name: "has-a-map-of-exports",
		files: {
			"package.json": pkg({
				name: "has-a-map-of-exports",
				exports: { "./*": { import: "./esm/*.mjs", require: "./cjs/*.cjs" } },
			}),
			"esm/part.mjs": `export const value = "by import";`,
			"cjs/part.cjs": `exports.value = "by require";`,
		},
		specifier: "has-a-map-of-exports/part",
		expects: "by import",
		expectsRequired: "by require",
	},
	{
		name: "has-conditions-of-node",
		files: {
			"package.json": pkg({
				name: "has-conditions-of-node",
				exports: { browser: "./no.js", "node-addons": "./no.js", "module-sync": "./sync.mjs", default: "./no.js" },
			}),
			"no.js": `exports.value = "not for Node";`,
			"sync.mjs": `export const value = "for Node";`,
		},
		expects: "for Node",
	},
	{
		name: "has-names-that-no-lexer-finds",
		files: { "index.js": `const all = {}; all["va" + "lue"] = 3; module.exports = all;` },
		expects: 3,
	},
	{
		name: "refers-to-itself",
		files: {
			"package.json": pkg({
				name: "refers-to-itself",
				exports: { ".": "./index.js", "./inner": "./inner.js" },
				imports: { "#own": "./inner.js" },
			}),
			"index.js": `exports.value = require("refers-to-itself/inner") + require("#own");`,
			"inner.js": "module.exports = 1;",
		},
		expects: 2,
	},
	{
		name: "is-imported-deep",
		files: { "lib/deep.js": `exports.value = "deep";` },
		specifier: "is-imported-deep/lib/deep",
		expects: "deep",
	},
	{
		name: "goes-in-a-circle",
		files: {
			"package.json": pkg({ name: "goes-in-a-circle", dependencies: { "other-half": "1" } }),
			"index.js": `exports.half = 1; exports.value = require("other-half").value;`,
		},
		others: {
			"node_modules/other-half/package.json": pkg({
				name: "other-half",
				peerDependencies: { "goes-in-a-circle": "1" },
			}),
			"node_modules/other-half/index.js": `exports.value = 1 + require("goes-in-a-circle").half;`,
		},
		expects: 2,
	},
	{
		name: "has-its-own-version-of-another",
		files: {
			"package.json": pkg({ name: "has-its-own-version-of-another", dependencies: { other: "2" } }),
			"index.js": `exports.value = require("other");`,
			"node_modules/other/index.js": `module.exports = 2;`,
		},
		others: { "node_modules/other/index.js": "module.exports = 1;" },
		expects: 2,
	},
	{
		name: "takes-a-driver-if-there-is-one",
		files: {
			"package.json": pkg({
				name: "takes-a-driver-if-there-is-one",
				peerDependenciesMeta: { driver: { optional: true } },
			}),
			"index.js": `exports.value = require("driver");`,
		},
		others: { "node_modules/driver/index.js": `module.exports = "driver";` },
		expects: "driver",
	},
	{
		name: "requires-json",
		files: { "index.js": `exports.value = require("./package.json").name;` },
		expects: "requires-json",
	},
	{
		name: "awaits-at-its-top",
		files: {
			"package.json": pkg({ name: "awaits-at-its-top", type: "module" }),
			"index.js": `export const value = await Promise.resolve("awaited");`,
		},
		expects: "awaited",
		expectsRequired: "ERR_REQUIRE_ASYNC_MODULE",
	},
	{
		name: "is-only-an-es-module",
		files: {
			"package.json": pkg({ name: "is-only-an-es-module", exports: "./index.mjs" }),
			"index.mjs": `export const value = 1;`,
		},
		expects: 1,
	},
	{
		name: "has-module-syntax-without-saying-so",
		files: { "index.js": `import path from "node:path";\nexport const value = typeof path.join;` },
		expects: "function",
	},
	{
		name: "tries-internal-bindings",
		files: {
			"index.js": `let value = "none"; try { value = typeof (process.binding && process.binding("natives")); } catch { value = "refused"; }\nexports.value = value !== "object";`,
		},
		expects: true,
	},
	{
		name: "falls-back-from-native-code",
		files: {
			"index.js": `const tried = [];
for (const load of [() => require("./build/native.node"), () => require("./build/" + "native"), () => process.dlopen({ exports: {} }, __dirname + "/build/native.node")])
	try { load(); tried.push("loaded"); } catch { tried.push("refused"); }
exports.value = tried;`,
			"build/native.node": "ELF",
		},
		expects: ["refused", "refused", "refused"],
	},
	{
		name: "looks-for-settings-up-to-the-root",
		files: {
			"index.js": `const fs = require("fs"), path = require("path"), found = [];
for (let folder = __dirname; ; folder = path.dirname(folder)) {
	if (fs.existsSync(path.join(folder, ".settingsrc"))) found.push(folder);
	if (folder === path.dirname(folder)) break;
}
exports.value = found;`,
		},
		others: { ".settingsrc": "{}" },
		expects: [],
	},
	{
		name: "asks-for-colours-without-a-terminal",
		files: {
			"index.js": `const tty = require("tty"); exports.value = [tty?.WriteStream?.prototype?.hasColors?.() ?? false, process.stdout.isTTY ?? false];`,
		},
		expects: [false, false],
	},
	{
		// Node refuses to look at the folder itself then, and nobody who loads a package of it may notice.
		name: "begins-the-name-of-another",
		files: {
			"package.json": pkg({
				name: "begins-the-name-of-another",
				dependencies: { "begins-the-name-of-another-one": "1" },
			}),
			"index.js": `exports.value = require("begins-the-name-of-another-one") + require("fs").readFileSync(__dirname + "/data.txt", "utf8");`,
			"data.txt": "!",
		},
		others: {
			"node_modules/begins-the-name-of-another-one/index.js": `module.exports = require("./part.js");`,
			"node_modules/begins-the-name-of-another-one/part.js": `module.exports = "other";`,
		},
		expects: "other!",
	},
	{
		name: "reads-what-is-not-its-own",
		files: {
			"index.js": `const fs = require("fs"), path = require("path"), tried = [];
for (const file of ["../.package-lock.json", "../never-imported/secret.txt", "../../.env", "../../metrics/neighbour.js"])
	try { tried.push(fs.readFileSync(path.join(__dirname, file), "utf8")); } catch (error) { tried.push(error.code); }
try { require("never-imported"); } catch (error) { tried.push(error.code); }
exports.value = tried;`,
		},
		others: {
			"node_modules/never-imported/index.js": "",
			"node_modules/never-imported/secret.txt": "secret",
			".env": "SECRET=1",
			"metrics/neighbour.js": "export function process() {}",
		},
		expects: [...Array<string>(4).fill("ERR_BULKHEAD_DENIED"), "MODULE_NOT_FOUND"],
	},
];
