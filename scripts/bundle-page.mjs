/** Makes of the page's script one file, which is all that a browser loads of it. */
import path from "node:path";
import { build } from "esbuild";

/** @returns {Promise<Uint8Array>} */
export async function bundlePage() {
	const { outputFiles } = await build({
		absWorkingDir: path.join(import.meta.dirname, ".."),
		entryPoints: ["src/http/page/client/main.ts"],
		bundle: true,
		minify: true,
		format: "esm",
		target: "es2022",
		platform: "browser",
		legalComments: "none",
		logLevel: "warning",
		tsconfigRaw: {},
		write: false,
	});
	const [file] = outputFiles;
	if (file === undefined) throw new Error("esbuild made nothing of the page's script");
	return file.contents;
}
