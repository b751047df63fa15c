import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Script } from "node:vm";
import { workerData } from "node:worker_threads";
import type { CompiledCodeDto, ThreadDataDto } from "./wire/messages.ts";

// Only what has been built comes here: the files of libraries/ that scripts/bundle-workers.mjs makes.

type Libraries = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
type LibraryFunction = (module: { exports: Libraries }, exports: object, require: NodeJS.Require) => void;

const loaded = new Map<string, { readonly script: Script; readonly libraries: Libraries }>();
const require = createRequire(import.meta.url);
const data = workerData as ThreadDataDto | null;

/**
 * What a script of libraries/ exports, the same objects each time. If the host has handed down what V8 made of the script
 * before, nothing is compiled, which is half of the time that it takes.
 *
 * @param file its name, which has its content's hash in it: compiled code never meets another text than its own
 * @throws what the libraries throw when they are evaluated
 */
export function loadLibraries(file: string): Libraries {
	const known = loaded.get(file);
	if (known !== undefined) return known.libraries;
	const filename = new URL(`./libraries/${file}`, import.meta.url);
	const cachedData = data?.compiledCode[file];
	// esbuild escapes whatever is not ASCII, and V8 keeps such text in half the space.
	const script = new Script(readFileSync(filename, "latin1"), {
		filename: filename.href,
		...(cachedData !== undefined && { cachedData }),
	});
	(cachedData?.buffer as ArrayBuffer | undefined)?.transfer(0); // has served; otherwise it stays as long as the worker
	const module: { exports: Libraries } = { exports: {} };
	(script.runInThisContext() as LibraryFunction)(module, module.exports, require);
	loaded.set(file, { script, libraries: module.exports });
	return module.exports;
}

/** What V8 has made of the scripts that are loaded here: every function that has run by now, and none that has not. */
export function compiledCode(): CompiledCodeDto {
	return Object.fromEntries([...loaded].map(([file, { script }]) => [file, new Uint8Array(script.createCachedData())]));
}
