import { defineConfig } from "oxlint";

/** Who may import what, by folder. Each ban says why, which is what its violator reads. */
const src = {
	top: ["src/*.ts"],
	supervisor: ["src/main.ts", "src/launch/command.ts", "src/launch/supervise.ts", "src/launch/launch-contract.ts"],
	/** The composition: the only files that know every layer. */
	server: ["src/server.ts", "src/composition/instrumentation.ts", "src/composition/host-sample.ts"],
	/** The composition of `bulkhead stdio`. */
	stdio: ["src/stdio/run-stdio.ts"],
	state: ["src/state/**"],
	host: ["src/host/**"],
	moduleThread: ["src/host/worker/thread-worker.ts"],
	metrics: ["src/metrics/**"],
	mcp: ["src/mcp/**"],
	http: ["src/http/**"],
};
const workers = ["workers/**"];
const modules = ["metrics/**", "mcps/**"];

const ENV_MESSAGE =
	"Configuration is parsed once, in src/config/config.ts: take a HostConfig, or have the value passed in.";

const SRC_COMPOSITION = ban(
	"^(\\.\\./)+(main|server)\\.ts$",
	"A process starts in src/main.ts and src/server.ts: they compose the parts, so no part imports them.",
);
const SRC_COMPOSITION_BESIDE = { ...SRC_COMPOSITION, regex: "^\\./(main|server)\\.ts$" };
const SRC_MAIN = ban(
	"^\\./main\\.ts$",
	"src/main.ts supervises the process that src/server.ts starts; nothing imports it.",
);
const SRC_HTTP = ban(
	folder("http"),
	"src/http is the outermost layer: it asks the others, and src/server.ts alone starts it.",
);
const SRC_METRICS = ban(
	folder("metrics"),
	"src/metrics builds on src/host and stands beside src/mcp: neither imports it.",
);
const SRC_MCP = ban(folder("mcp"), "src/mcp builds on src/host and stands beside src/metrics: neither imports it.");
const SRC_HOST = ban(folder("host"), "The files beside src/server.ts are shared by every layer, so they import none.");
const SRC_ABOVE_STATE = ban(
	folder("host"),
	"src/state keeps small files for whoever needs them, and knows none of those: it imports no other layer.",
);
const WORKERS = ban(
	"^(\\.\\./|\\./)+workers/",
	"Only src/host, src/metrics and src/mcp know the wire to the workers; ask them.",
);
const WORKERS_BUT_THE_WIRE = ban(
	[
		"**/workers/**",
		"!**/workers/{asks,contract,frame,in-flight,message-quota,protocol,rpc,sandbox-policy,snapshot,wire-error}.ts",
	],
	"Main and its workers share the wire alone (protocol, rpc, asks, in-flight, message-quota, frame, snapshot, wire-error, sandbox-policy): what runs in a worker stays there.",
);
const PISCINA = ban(
	"^piscina($|/)",
	"Piscina is known to src/host/worker/thread-worker.ts alone, which holds every answer to what it must not do here.",
);
const EXPRESS = ban(
	"^(@modelcontextprotocol/)?express($|/)",
	"Express is known to src/http alone: the layers below it work, and are tested, without a web framework.",
);
const ENV_BY_NAME: Ban = { ...ban("^(node:)?process$", ENV_MESSAGE), importNames: ["env"] };
const PACKAGES = ban(
	["*", "!node:*", "!node:*/*", "!./*"],
	"The supervisor runs under any Node and with nothing installed: built-ins only, and files of src/ that need no more.",
);
const OUT_OF_WORKERS = ban(
	"^(\\.\\./)+(src|dist)/",
	"A worker shares nothing with main except the wire, which lies in workers/: it never imports src/.",
);
const OUT_OF_MODULES = ban(
	["../**/{src,dist,workers}/**", "!**/workers/contract.ts"],
	"A module is written against libraries its author knows; of Bulkhead it may use the types of workers/contract.ts.",
);
const CONTRACT_AS_VALUE = {
	...ban("(^|/)workers/contract\\.ts$", "workers/contract.ts holds types only: `import type` vanishes when compiled."),
	allowTypeImports: true,
};

const layers = [SRC_COMPOSITION, PISCINA, EXPRESS, ENV_BY_NAME, WORKERS_BUT_THE_WIRE];

export default defineConfig({
	plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "node"],
	categories: { correctness: "error", suspicious: "error" },
	options: { typeAware: true, reportUnusedDisableDirectives: "error" },
	// Fixture modules misbehave on purpose.
	ignorePatterns: ["dist", "test/fixtures", "test/golden"],
	rules: {
		"typescript/no-explicit-any": "error",
		"typescript/no-floating-promises": [
			"error",
			// The test runner waits for them itself.
			{
				allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["describe", "it", "suite", "test"] }],
			},
		],
		"typescript/no-misused-promises": "error",
		"typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
		"typescript/consistent-type-imports": "error",
		"unicorn/prefer-node-protocol": "error",
		"import/no-cycle": "error",
		"import/no-default-export": "error",
		"oxc/no-barrel-file": ["error", { threshold: 0 }],
		// Off, because they are wrong about this code:
		"eslint/no-underscore-dangle": "off", // `_meta` is MCP's own name
		"typescript/consistent-return": "off", // noImplicitReturns knows that an exhaustive switch returns
		"oxc/no-async-endpoint-handlers": "off", // Express 5 passes a rejected handler to the error handler
		"typescript/no-misused-spread": "off", // [...text] counts code points, which is what we want of it
		"typescript/no-unnecessary-type-conversion": "off", // what a module hands over has its type by promise only
		"typescript/no-unsafe-type-assertion": "off", // the way to say what a check outside the type system has shown
		"typescript/no-unsafe-enum-comparison": "off", // error codes are numbers on the wire, an enum in the SDK
		"typescript/unbound-method": "off", // our objects are closures; none uses `this`
		"unicorn/prefer-add-event-listener": "off", // `onmessage` and `onclose` are what the SDK's transports have
		"unicorn/no-useless-spread": "off", // a copy is iterated when the loop's body changes the original
	},
	overrides: [
		// What the compiler loads with `any` in it (JSON.parse, untyped libraries) is narrowed at the edge, once.
		{
			files: ["src/**", "workers/**"],
			rules: {
				"typescript/no-unsafe-argument": "error",
				"typescript/no-unsafe-assignment": "error",
				"typescript/no-unsafe-call": "error",
				"typescript/no-unsafe-member-access": "error",
				"typescript/no-unsafe-return": "error",
			},
		},
		{
			files: ["src/**", "workers/**"],
			// In a worker, process.env holds what the host granted to the module; the runtime hands it on as context.env.
			excludeFiles: ["src/config/config.ts", "src/main.ts", "workers/runtime/serve-module.ts"],
			rules: {
				"eslint/no-restricted-properties": [
					"error",
					{
						object: "process",
						property: "env",
						message: ENV_MESSAGE,
					},
				],
			},
		},
		{
			files: ["test/**", "bench/**", "scripts/**"],
			rules: {
				"unicorn/consistent-function-scoping": "off", // a helper is read best beside the one test that uses it
				"unicorn/require-post-message-target-origin": "off", // ports have no origin; that is for windows
				"eslint/no-unmodified-loop-condition": "off", // a hook or another task ends the loop
				"eslint/no-unsafe-optional-chaining": "off", // what is missing fails the test
				"typescript/no-unnecessary-type-assertion": "off",
			},
		},
		// Piscina runs the default export of a worker entry.
		{
			files: [...modules, "bench/**", "workers/*-worker.ts", "*.config.ts"],
			rules: { "import/no-default-export": "off" },
		},

		restrict(
			src.top,
			SRC_COMPOSITION_BESIDE,
			SRC_HTTP,
			SRC_METRICS,
			SRC_MCP,
			SRC_HOST,
			WORKERS,
			PISCINA,
			EXPRESS,
			ENV_BY_NAME,
		),
		restrict(src.supervisor, SRC_COMPOSITION_BESIDE, PACKAGES),
		restrict(src.server, SRC_MAIN, PISCINA, EXPRESS, ENV_BY_NAME),
		restrict(
			src.stdio,
			SRC_COMPOSITION_BESIDE,
			SRC_HTTP,
			SRC_METRICS,
			SRC_HOST,
			WORKERS,
			PISCINA,
			EXPRESS,
			ENV_BY_NAME,
		),
		restrict(src.state, ...layers, SRC_HTTP, SRC_METRICS, SRC_MCP, SRC_ABOVE_STATE),
		restrict(src.host, ...layers, SRC_HTTP, SRC_METRICS, SRC_MCP),
		restrict(src.moduleThread, ...layers.filter((layer) => layer !== PISCINA), SRC_HTTP, SRC_METRICS, SRC_MCP),
		restrict(src.metrics, ...layers, SRC_HTTP, SRC_MCP),
		restrict(src.mcp, ...layers, SRC_HTTP, SRC_METRICS),
		restrict(src.http, SRC_COMPOSITION, PISCINA, WORKERS, ENV_BY_NAME),
		restrict(workers, OUT_OF_WORKERS, PISCINA, EXPRESS, ENV_BY_NAME),
		restrict(modules, CONTRACT_AS_VALUE, OUT_OF_MODULES),
	],
});

interface Ban {
	regex?: string;
	/** As in .gitignore; for what a regex without look-around cannot say. */
	group?: string[];
	message: string;
	importNames?: string[];
	allowTypeImports?: boolean;
}

/** @param specifiers as they are written in an import */
function ban(specifiers: string | string[], message: string): Ban {
	return typeof specifiers === "string" ? { regex: specifiers, message } : { group: specifiers, message };
}

/** A folder of src/ seen from another one (`../host/…`) or from a file of src/ itself (`./host/…`). */
function folder(name: string): string {
	return `^(\\.\\./|\\./)+${name}/`;
}

/** An override for the same files replaces an earlier one, it does not add to it. */
function restrict(files: string[], ...patterns: Ban[]) {
	const rule: ["error", { patterns: Ban[] }] = ["error", { patterns }];
	return { files, rules: { "eslint/no-restricted-imports": rule } };
}
