import assert from "node:assert/strict";
import { test } from "node:test";
import { readScrapeDeadline } from "../../../src/http/routes/scrape-deadline.ts";

test("a scraper's timeout leaves half a second for the way to it, and a short one a fifth", () => {
	assert.equal(readScrapeDeadline("10"), 9500);
	assert.equal(readScrapeDeadline("2.5"), 2000);
	assert.equal(readScrapeDeadline("1"), 800);
	assert.equal(readScrapeDeadline("0.1"), 80);
});

test("whoever says no time, or none that can be, has none", () => {
	for (const header of [undefined, "", "soon", "0", "-1", "NaN", "1,2"])
		assert.equal(readScrapeDeadline(header), undefined, String(header));
});

test("a timeout of ages is still one that a timer can wait for", () => {
	for (const header of ["1e300", "Infinity"]) assert.equal(readScrapeDeadline(header), 3_599_500);
});
