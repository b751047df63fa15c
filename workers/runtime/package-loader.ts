import Module, { isBuiltin, registerHooks } from "node:module";
import {
	apply,
	create,
	defineProperty,
	indexOf,
	NativeError,
	namesOf,
	slice,
	startsWith,
} from "../primordials/primordials.ts";
import { METRICS_CLIENTS } from "../wire/metrics-clients.ts";

/** What Node has loaded of packages, as far as the runtime has a part in it. */
export interface PackageLoader {
	/** URLs of the metrics clients that the module, or a package of its, has loaded by name. */
	clients(): readonly string[];
}

/**
 * Stands between Node and the packages of a module, which Node loads from where they are installed.
 *
 * - What a worker may not read is, for the code in it, not there: a `require` that a package is prepared to see fail has to
 *   fail as it does where the package was never installed, and not with what Node's permission model says.
 * - A package that loads a library of the runtime's has to get the very instance that the module and the runtime have.
 *
 * To be called before the worker is locked, and once.
 *
 * @param redirects URLs of files of the host's packages, each with the URL of what stands for it in this worker
 */
export function followPackages(redirects: Readonly<Record<string, string>>): PackageLoader {
	const targets = create(null) as Record<string, string>;
	for (const [from, to] of Object.entries(redirects)) targets[from] = to;
	const clients: string[] = [];
	const seen = create(null) as Record<string, true>;

	const internals = Module as unknown as { _resolveFilename: ResolveFilename };
	const resolveFilename = internals._resolveFilename;
	internals._resolveFilename = function resolve(this: unknown, request, parent, ...rest) {
		try {
			return apply(resolveFilename, this, [request, parent, ...rest]);
		} catch (error) {
			throw asMissing(error, request, parent?.filename, "MODULE_NOT_FOUND");
		}
	};
	registerHooks({
		resolve(specifier, context, nextResolve) {
			let resolved;
			try {
				resolved = nextResolve(specifier, context);
			} catch (error) {
				throw asMissing(error, specifier, context.parentURL, "ERR_MODULE_NOT_FOUND");
			}
			const target = targets[resolved.url];
			if (target !== undefined) resolved = { ...resolved, url: target, format: "module" };
			if (specifier in CLIENT_NAMES && !(resolved.url in seen)) {
				seen[resolved.url] = true;
				clients[clients.length] = resolved.url;
			}
			return resolved;
		},
	});
	return { clients: () => clients };
}

type ResolveFilename = (
	this: unknown,
	request: string,
	parent: { readonly filename?: string } | undefined,
	...rest: readonly unknown[]
) => string;

const CLIENT_NAMES = namesOf(METRICS_CLIENTS);
const ACCESS_DENIED = "ERR_ACCESS_DENIED";

/** Of an import of a package by its name that cannot be found, or is not the module's to read: what is missing, and what to do. */
function asMissing(error: unknown, specifier: string, parent: string | undefined, code: string): unknown {
	if (!(error instanceof NativeError) || typeof specifier !== "string") return error;
	const { code: reason } = error as { readonly code?: unknown };
	if ((reason !== ACCESS_DENIED && reason !== code) || !isPackageImport(specifier)) return error;
	const name = packageOf(specifier);
	// Its beginning is what packages look for in the message of such an error.
	const missing = new NativeError(
		`Cannot find module '${specifier}', which ${parent ?? "the module"} loads. Install it with \`npm install ${name}\`; ` +
			`if it is installed, import it in the module's own file too: a package reads what it declares as its dependencies.`,
	);
	defineProperty(missing, "code", { value: code, enumerable: true });
	if (parent !== undefined && code === "MODULE_NOT_FOUND")
		defineProperty(missing, "requireStack", { value: [parent], enumerable: true });
	return missing;
}

function isPackageImport(specifier: string): boolean {
	const first = specifier[0];
	return first !== "." && first !== "/" && first !== "#" && indexOf(specifier, ":") === -1 && !isBuiltinName(specifier);
}

function packageOf(specifier: string): string {
	const first = indexOf(specifier, "/");
	if (first === -1) return specifier;
	if (!startsWith(specifier, "@")) return slice(specifier, 0, first);
	const rest = slice(specifier, first + 1);
	const second = indexOf(rest, "/");
	return second === -1 ? specifier : slice(specifier, 0, first + 1 + second);
}

const isBuiltinName = isBuiltin;
