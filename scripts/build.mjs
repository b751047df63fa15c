/**
 * Compiles src/ and workers/ into dist/; with --if-stale only when dist/ was made from something else than what is there.
 *
 * Plain JavaScript that Node 20 runs: whoever has only an old Node must come as far as dist/main.js, which finds the
 * right one or says what to install.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	existsSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { bundlePage } from "./bundle-page.mjs";
import { bundleWorkers } from "./bundle-workers.mjs";

const SOURCES = [
	"src",
	"workers",
	"package-lock.json", // the libraries that the workers are bundled with
	"tsconfig.json",
	"tsconfig.build.json",
	"scripts/build.mjs",
	"scripts/bundle-workers.mjs",
	"scripts/bundle-page.mjs",
];
const DIST = "dist";
/** Says what dist/ was made from. A hash and not a time: git, rsync and image layers set times as they like. */
const STAMP = "sources.sha256";
const MAIN = '#!/usr/bin/env node\nimport "./src/main.js";\n';

process.chdir(path.join(import.meta.dirname, ".."));
// A published package has no sources: its dist/ is as it should be.
if (existsSync("src")) {
	const hash = hashSources();
	if (!process.argv.includes("--if-stale") || hash !== readStamp()) process.exitCode = await build(hash);
}

/**
 * @param {string} hash of the sources, taken before the compiler reads them: what is saved meanwhile stays stale
 * @returns {Promise<number>} exit code
 */
async function build(hash) {
	// Made beside dist/ and moved in at the end: no file of a deleted source stays behind, and a build that fails, or is
	// interrupted, leaves the last good one in place.
	const staged = `.${DIST}-${process.pid}`;
	const replaced = `${staged}-replaced`;
	try {
		if (!compile(staged)) return 1;
		await bundleWorkers(path.resolve(staged, "workers"));
		const page = path.join(staged, "src/http/page");
		writeFileSync(path.join(page, "page.js"), await bundlePage());
		copyFileSync("src/http/page/page.css", path.join(page, "page.css"));
		writeFileSync(path.join(staged, "main.js"), MAIN);
		chmodSync(path.join(staged, "main.js"), 0o755);
		writeFileSync(path.join(staged, "revision.txt"), `${revision()}\n`);
		writeFileSync(path.join(staged, STAMP), hash);
		if (existsSync(DIST)) renameSync(DIST, replaced);
		renameSync(staged, DIST);
		return 0;
	} finally {
		rmSync(staged, { recursive: true, force: true });
		rmSync(replaced, { recursive: true, force: true });
	}
}

/**
 * @param {string} outDir
 * @returns {boolean} whether it compiled; if not, the reason is on standard error
 */
function compile(outDir) {
	const tsc = findTsc();
	if (tsc === undefined) {
		console.error("cannot build: TypeScript is not installed; run `npm ci` with development dependencies");
		return false;
	}
	const args = [tsc, "--project", "tsconfig.build.json", "--outDir", outDir];
	return spawnSync(process.execPath, args, { stdio: "inherit" }).status === 0;
}

/** What `bulkhead_build_info` shows: the commit, or what whoever builds an image says. */
function revision() {
	const { REVISION } = process.env;
	if (REVISION !== undefined && REVISION !== "") return REVISION;
	const { status, stdout } = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], { encoding: "utf8" });
	return status === 0 ? stdout.trim() : "unknown";
}

function findTsc() {
	try {
		return path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
	} catch {
		return undefined;
	}
}

function hashSources() {
	const hash = createHash("sha256");
	for (const file of SOURCES.flatMap(listFiles).toSorted())
		hash.update(`${file}\0`).update(readFileSync(file)).update("\0");
	return hash.digest("hex");
}

/**
 * @param {string} source a file or a folder
 * @returns {string[]}
 */
function listFiles(source) {
	if (source.includes(".")) return [source];
	return readdirSync(source, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath, entry.name));
}

function readStamp() {
	const file = path.join(DIST, STAMP);
	return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
