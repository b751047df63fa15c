import { defineConfig } from "oxlint";

/**
 * Who may import which packages. Which folder may import which is scripts/folder-graph.ts, which `npm run check` runs as well.
 * Each ban says why, which is what its violator reads.
 */
const ENV_MESSAGE = "Configuration is parsed once, in src/config: take a HostConfig, or have the value passed in.";

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
	"^([^.n]|n[^o]|no[^d]|nod[^e]|node[^:])",
	"The supervisor runs under any Node and with nothing installed: built-ins only, and files of src/launch.",
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
		"import/no-cycle": ["error", { ignoreTypes: false }],
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
			files: ["metrics/**", "mcps/**", "examples/**", "deploy/**", "bench/**", "workers/*-worker.ts", "*.config.ts"],
			rules: { "import/no-default-export": "off" },
		},

		restrict(["src/**"], PISCINA, EXPRESS, ENV_BY_NAME),
		restrict(["src/host/worker/thread-worker.ts"], EXPRESS, ENV_BY_NAME),
		restrict(["src/http/**"], PISCINA, ENV_BY_NAME),
		restrict(["src/main.ts", "src/launch/**"], PACKAGES),
		restrict(["workers/**"], OUT_OF_WORKERS, PISCINA, EXPRESS, ENV_BY_NAME),
		restrict(["metrics/**", "mcps/**", "examples/**"], CONTRACT_AS_VALUE, OUT_OF_MODULES),
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

/** An override for the same files replaces an earlier one, it does not add to it. */
function restrict(files: string[], ...patterns: Ban[]) {
	const rule: ["error", { patterns: Ban[] }] = ["error", { patterns }];
	return { files, rules: { "eslint/no-restricted-imports": rule } };
}
