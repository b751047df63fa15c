import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { readBundledLibraries } from "../../../src/host/packages/bundled-libraries.ts";
import { createCodeCache } from "../../../src/host/worker/code-cache.ts";
import { until } from "../../support/until.ts";

const WORKERS = path.join(import.meta.dirname, "../../../dist/workers");

test("what is bundled exports what the package does", async () => {
	const libraries = [...readBundledLibraries(WORKERS)];
	assert.ok(libraries.length > 0);
	for (const [file, { path: bundled }] of libraries) {
		const own = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
		const theirs = (await import(pathToFileURL(bundled).href)) as Record<string, unknown>;
		assert.deepEqual(Object.keys(theirs), Object.keys(own), file);
		for (const name of Object.keys(own)) assert.equal(typeof theirs[name], typeof own[name], `${name} of ${file}`);
	}
});

test("without a build there is nothing bundled", () => {
	assert.equal(readBundledLibraries(path.join(import.meta.dirname, "../../../workers")).size, 0);
});

test("the warm-up gives compiled code that V8 takes for each script, and its thread back", async (t) => {
	const problems: string[] = [];
	const cache = createCodeCache(WORKERS, (problem) => problems.push(problem));
	t.after(() => cache.close());
	const scripts = new Set([...readBundledLibraries(WORKERS).values()].map(({ script }) => script));
	await until(() => Object.keys(cache.of(scripts)).length === scripts.size, "all scripts are compiled");
	for (const [name, cachedData] of Object.entries(cache.of(scripts))) {
		const script = new Script(readFileSync(path.join(WORKERS, "libraries", name), "latin1"), { cachedData });
		assert.equal(script.cachedDataRejected, false, name);
	}
	assert.deepEqual(cache.of(new Set()), {});
	await until(() => !isRehearsing(), "the thread has ended");
	assert.deepEqual(problems, []);
});

test("a warm-up that cannot be held is told, and costs nothing but its speed", async (t) => {
	const problems: string[] = [];
	const cache = createCodeCache(import.meta.dirname, (problem) => problems.push(problem));
	t.after(() => cache.close());
	await until(() => problems.length > 0, "the problem is told");
	assert.match(problems.join("\n"), /modules will start more slowly.*warm-up\.js/);
	assert.deepEqual(cache.of(new Set(["any"])), {});
});

test("closing ends a warm-up that is under way", async () => {
	const cache = createCodeCache(WORKERS, assert.fail);
	await until(isRehearsing, "the thread has begun");
	cache.close();
	await until(() => !isRehearsing(), "the thread has ended");
});

/** By the names of the threads of this process, which Linux tells. */
function isRehearsing(): boolean {
	return readdirSync("/proc/self/task").some((id) => {
		try {
			return readFileSync(`/proc/self/task/${id}/comm`, "latin1").trim() === "warm-up";
		} catch {
			return false; // it has ended meanwhile
		}
	});
}
