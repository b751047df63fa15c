/**
 * Chaos for as long as wanted: misbehaviours of the catalogue, picked at random behind either wall, beside modules that
 * behave and a client of theirs. Prints one JSON document, and ends with 1 unless nobody else felt anything.
 *
 * `npm run chaos -- --minutes 10 --seed 42`; a seed that is printed gives the same misbehaviours in the same order again.
 */
import { parseArgs } from "node:util";
import { givenBack, runCase } from "../test/support/chaos-case.ts";
import { readCatalogue } from "../test/support/chaos-catalogue.ts";
import { startChaosHost } from "../test/support/chaos-host.ts";
import { settledRss } from "../test/support/chaos-resources.ts";
import { createRandom, pick } from "../test/support/seeded-random.ts";
import { startTraffic } from "../test/support/chaos-traffic.ts";
import { messageOf } from "../src/core/errors.ts";

const { values } = parseArgs({
	options: {
		minutes: { type: "string", default: "10" },
		seed: { type: "string", default: String(Date.now() % 1_000_000) },
	},
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed are numbers");
process.stderr.write(`chaos: ${minutes} minutes with --seed ${seed}\n`);

const WARM_UP_MS = 60_000;
/** What RSS at the end may be of what it was after the first minute. */
const MOST_RSS_RATIO = 1.1;

const fixtures = readCatalogue();
const random = createRandom(seed);
const host = await startChaosHost({ fixtures });
const traffic = startTraffic(host.url, host.pid);
await traffic.rounds(5);
const before = await host.resources();
const report = traffic.watch();
const outcomes: Record<string, number> = {};
const unexpected: string[] = [];
const startedAt = performance.now();
const endAt = startedAt + minutes * 60_000;
const warmAt = startedAt + Math.min(WARM_UP_MS, (minutes * 60_000) / 2);
let cases = 0;
let warmRssBytes: number | undefined;

while (performance.now() < endAt && host.isFirst()) {
	const fixture = pick(fixtures, random);
	const wall = pick(["thread", "process"] as const, random);
	cases += 1;
	try {
		const { observed, said } = await runCase(host, traffic, fixture, wall);
		outcomes[observed] = (outcomes[observed] ?? 0) + 1;
		if (fixture.expects(wall)?.includes(observed) !== true)
			unexpected.push(`${fixture.name} in a ${wall}: ${observed}: ${said}`);
	} catch (error) {
		unexpected.push(`${fixture.name} in a ${wall}: ${messageOf(error)}`);
	}
	if (warmRssBytes === undefined && performance.now() >= warmAt) warmRssBytes = await settledRss(host.pid);
}

const kept = await givenBack(host, before, { timers: true }).then(() => undefined, messageOf);
const endRssBytes = await settledRss(host.pid);
const isFirst = host.isFirst();
const { scrapes, calls, failures, slow, overLimit, slowestMs } = report();
await traffic.stop();
await host.close();

const rssRatio = endRssBytes / (warmRssBytes ?? Number.NaN);
const isGood =
	isFirst &&
	failures.length + slow.length + unexpected.length === 0 &&
	kept === undefined &&
	rssRatio <= MOST_RSS_RATIO;
const result = {
	seed,
	minutes,
	node: process.version,
	cases,
	outcomes,
	unexpected,
	others: { scrapes, calls, failures, slow, over250Ms: overLimit, slowestMs: Math.round(slowestMs) },
	hostDied: !isFirst,
	kept: kept ?? null,
	rss: { afterFirstMinuteBytes: warmRssBytes, endBytes: endRssBytes, ratio: rssRatio },
	good: isGood,
};
process.stdout.write(`${JSON.stringify(result, undefined, "\t")}\n`);
process.exitCode = isGood ? 0 : 1;
