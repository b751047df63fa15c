import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";

export interface PageAssets {
	readonly script: PageAsset;
	readonly style: PageAsset;
}

export interface PageAsset {
	/** Has a hash of the content in it, so that a browser may keep it for good. */
	readonly name: string;
	readonly type: string;
	readonly body: Buffer;
}

let assets: Promise<PageAssets> | undefined;

/** The page's script and style, read once. Under the sources, where nothing is built, the script is bundled then. */
export function pageAssets(): Promise<PageAssets> {
	assets ??= readAssets().catch((error: unknown) => {
		assets = undefined;
		throw error;
	});
	return assets;
}

async function readAssets(): Promise<PageAssets> {
	const [script, style] = await Promise.all(extname(import.meta.url) === ".ts" ? bundled() : built());
	return {
		script: asset("page", "js", "text/javascript; charset=utf-8", script),
		style: asset("page", "css", "text/css; charset=utf-8", style),
	};
}

/** As scripts/build.mjs leaves them beside this file. */
function built(): readonly Promise<Buffer>[] {
	return ["page.js", "page.css"].map((name) => readFile(new URL(name, import.meta.url)));
}

function bundled(): readonly Promise<Buffer>[] {
	return [bundleFromSources(), readFile(new URL("page.css", import.meta.url))];
}

async function bundleFromSources(): Promise<Buffer> {
	const bundler = new URL("../../../scripts/bundle-page.mjs", import.meta.url).href;
	const { bundlePage } = (await import(bundler)) as { bundlePage: () => Promise<Uint8Array> };
	return Buffer.from(await bundlePage());
}

function asset(name: string, extension: string, type: string, body: Buffer | undefined): PageAsset {
	if (body === undefined) throw new Error(`the page's ${extension} is missing: run npm run build`);
	const hash = createHash("sha256").update(body).digest("base64url").slice(0, HASH_LENGTH);
	return { name: `${name}-${hash}.${extension}`, type, body };
}

const HASH_LENGTH = 12;
