import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** What a person's browser would complain of: errors of scripts, refused loads, violations of the policy. */
export interface WatchedPage {
	readonly page: Page;
	/** Fails the test if the browser has complained of anything. */
	assertQuiet(): void;
}

/** A real Chromium for a file of tests. */
export function launchBrowser(): Promise<Browser> {
	return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page in a context of its own, closed with the test. */
export async function openPage(
	t: TestContext,
	browser: Browser,
	options: BrowserContextOptions = {},
): Promise<WatchedPage> {
	const context = await browser.newContext(options);
	t.after(() => context.close());
	context.setDefaultTimeout(DEADLINE_MS);
	const page = await context.newPage();
	const complaints: string[] = [];
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
	});
	page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
	await page.addInitScript({ content: TELL_VIOLATIONS });
	return { page, assertQuiet: () => assert.deepEqual(complaints, []) };
}

/** How long a busy machine may take. */
const DEADLINE_MS = 60_000;

/** Fails for whatever axe finds against WCAG 2.2 AA. */
export async function assertAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
		.analyze();
	assert.deepEqual(
		violations.map(
			({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`,
		),
		[],
	);
}

/** Whether anything is wider than the window: a phone would scroll sideways. */
export async function assertFits(page: Page): Promise<void> {
	const [content = 0, window = 0] = await page.evaluate<readonly number[]>(WIDTHS);
	assert.ok(content > 0 && content <= window, `${content} px in a window of ${window} px`);
}

/** As text, for these run in the browser. */
const WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]";
const TELL_VIOLATIONS = `document.addEventListener("securitypolicyviolation", (violation) => {
	console.error("policy: " + violation.violatedDirective + " " + violation.blockedURI);
});`;
