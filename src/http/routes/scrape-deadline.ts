/**
 * How long a scraper waits for its answer, as it says itself.
 *
 * Prometheus gives up a scrape at its `scrape_timeout` and then has nothing at all, so the answer has to leave earlier by
 * what the way to it may take.
 *
 * @param header of `X-Prometheus-Scrape-Timeout-Seconds`
 * @returns milliseconds from now within which the page must be under way; undefined when the scraper does not say
 */
export function readScrapeDeadline(header: string | undefined): number | undefined {
	const seconds = Number(header ?? Number.NaN);
	if (!(seconds > 0)) return undefined;
	const timeoutMs = Math.min(seconds * 1000, MAX_TIMEOUT_MS);
	return timeoutMs - Math.min(MARGIN_MS, timeoutMs * MAX_MARGIN_SHARE);
}

/** As the official blackbox exporter does (its `--timeout-offset`). */
const MARGIN_MS = 500;
/** A scrape timeout of a second or less must leave most of it to the modules. */
const MAX_MARGIN_SHARE = 0.2;
/** More than any module's deadline; a timer can wait for it. */
const MAX_TIMEOUT_MS = 3_600_000;
