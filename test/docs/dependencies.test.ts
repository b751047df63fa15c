import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const ROOT = path.join(import.meta.dirname, "../..");

test("docs/dependencies.md has a line for each package, and no other", () => {
	const { dependencies, devDependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as Record<
		"dependencies" | "devDependencies",
		Record<string, string>
	>;
	const page = readFileSync(path.join(ROOT, "docs/dependencies.md"), "utf8");
	const [runtime, development] = page.split("## For development");
	assert.deepEqual(packagesOf(runtime ?? ""), Object.keys(dependencies).toSorted());
	assert.deepEqual(packagesOf(development ?? ""), Object.keys(devDependencies).toSorted());
});

test("every version is exact, and every entry of the lock file has its hash", () => {
	const { dependencies, devDependencies } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as Record<
		"dependencies" | "devDependencies",
		Record<string, string>
	>;
	for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
		assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
	const { packages } = JSON.parse(readFileSync(path.join(ROOT, "package-lock.json"), "utf8")) as {
		packages: Record<string, { resolved?: string; integrity?: string }>;
	};
	const unproven = Object.entries(packages).filter(([place, entry]) => place !== "" && entry.integrity === undefined);
	assert.deepEqual(
		unproven.map(([place]) => place),
		[],
	);
});

function packagesOf(table: string): string[] {
	return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name ?? "").toSorted();
}
