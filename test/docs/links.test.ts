import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const ROOT = path.join(import.meta.dirname, "../..");

test("every relative link of every page leads to a file, and its anchor to a heading", () => {
	const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: ROOT, encoding: "utf8" })
		.trim()
		.split("\n")
		.filter((page) => !page.startsWith("test/fixtures/"));
	assert.ok(pages.length > 5, "it looked at the pages");
	assert.deepEqual(pages.flatMap(brokenLinks), []);
});

function brokenLinks(page: string): string[] {
	const text = readFileSync(path.join(ROOT, page), "utf8").replaceAll(/^(```|~~~)[^]*?^\1/gm, "");
	return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
		if (/^[a-z]+:/.test(link)) return [];
		const [file = "", anchor] = link.split("#");
		const target = file === "" ? page : path.join(path.dirname(page), file);
		if (!existsSync(path.join(ROOT, target))) return [`${page}: ${link}`];
		if (anchor === undefined || !target.endsWith(".md")) return [];
		return headingsOf(target).has(anchor) ? [] : [`${page}: ${link} (no such heading)`];
	});
}

/** As GitHub makes them, and those that a page sets itself. */
function headingsOf(page: string): ReadonlySet<string> {
	const text = readFileSync(path.join(ROOT, page), "utf8");
	const anchors = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, anchor = ""]) => anchor);
	return new Set([
		...anchors,
		...[...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
			heading
				.toLowerCase()
				.replaceAll(/[^\p{L}\p{N} _-]/gu, "")
				.replaceAll(" ", "-"),
		),
	]);
}
