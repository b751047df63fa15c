import assert from "node:assert/strict";
import { test } from "node:test";
import { indexFiles, readFileName, readFolderName, readIndexless } from "../../src/core/module-id.ts";

test("a module is NAME.{ts,mts,js,mjs,cjs}, or a folder NAME", () => {
	for (const extension of ["ts", "mts", "js", "mjs", "cjs"]) {
		assert.deepEqual(readFileName(`disk.${extension}`), { type: "module", name: "disk" });
	}
	for (const name of ["disk", "Disk-2", "custom-metrics-1", "a", "9", "node.js", "a_b", "x".repeat(64)]) {
		assert.deepEqual(readFileName(`${name}.ts`), { type: "module", name });
		assert.deepEqual(readFolderName(name), { type: "module", name });
	}
});

test("helpers, declarations, tests and other files are no modules", () => {
	for (const fileName of [
		"_disk.ts",
		".disk.ts",
		".disk.ts.swp",
		"disk.ts~",
		"disk.d.ts",
		"disk.d.mts",
		"disk.test.ts",
		"disk.test.helper.js",
		"README.md",
		"data.json",
		"disk.spec.ts",
		"disk.bench.ts",
		"disk.stories.tsx",
		"disk.config.ts",
		"disk.test-d.ts",
		".#disk.ts",
		"#disk.ts#",
		"disk.ts.orig",
		"disk.ts.bak",
		"4913",
		"ts",
		"disk",
	]) {
		assert.deepEqual(readFileName(fileName), { type: "ignored" }, fileName);
	}
	for (const folderName of ["_shared", ".git", "..2024_01", "node_modules"]) {
		assert.deepEqual(readFolderName(folderName), { type: "ignored" }, folderName);
	}
});

test("a name that would have to be escaped somewhere is refused with what to do", () => {
	for (const name of [
		"disk usage",
		"größe",
		"a/b",
		"a\\b",
		"a%2Fb",
		"-x",
		"a.",
		"a\nb",
		"a:b",
		"<b>",
		"x".repeat(65),
		"",
	]) {
		const verdict = readFileName(`${name}.ts`);
		if (name === "")
			assert.equal(verdict.type, "ignored"); // it is called ".ts"
		else assert.equal(verdict.type, "refused", name);
		if (verdict.type === "refused")
			assert.match(verdict.problem, /^".*" cannot be the name of a module: .*Rename the file/);
	}
	const folder = readFolderName("disk usage");
	assert.match(folder.type === "refused" ? folder.problem : "", /Rename the folder/);
});

test("of several index files the order of extensions decides, and nothing else is one", () => {
	const names = ["index.cjs", "index.d.ts", "index.js", "index.test.ts", "index.mts", "index.json", "Index.ts"];
	assert.deepEqual(indexFiles(names), ["index.mts", "index.js", "index.cjs"]);
});

test("what looks as if it were meant as a module, and is none, is refused with what to do", () => {
	for (const name of ["disk.py", "disk.tsx", "disk.jsx", "disk.cts", "disk.TS", "disk.ts.txt", "disk.sh"]) {
		const verdict = readFileName(name);
		assert.equal(verdict.type, "refused", name);
	}
	assert.equal(readIndexless("disk", ["main.ts"]).type, "refused");
	for (const [folder, files] of [
		["disk", ["data.json"]],
		["disk", []],
		["_disk", ["main.ts"]],
		["__tests__", ["disk.ts"]],
		["node_modules", ["x.js"]],
	] as const) {
		assert.deepEqual(readIndexless(folder, files), { type: "ignored" });
	}
});
