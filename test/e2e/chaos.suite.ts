import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { givenBack, runCase } from "../support/chaos-case.ts";
import { type ChaosFixture, readCatalogue, type Wall } from "../support/chaos-catalogue.ts";
import { type ChaosHost, startChaosHost } from "../support/chaos-host.ts";
import type { Resources } from "../support/chaos-resources.ts";
import { startTraffic, type Traffic } from "../support/chaos-traffic.ts";

/**
 * Each fixture misbehaves behind each wall in one host, as it ships, beside two modules that behave and a client of theirs.
 * Failed answers are counted without mercy; what counts as a delayed one says `isSlow` in chaos-traffic.ts.
 */
const FIXTURES = readCatalogue();
/** How many run at the same time, behind each wall, of those that end or restart their module, and of the others. */
const AT_A_TIME = { restarted: 2, serving: 4 };
const LEAST_ROUNDS = 5;

suite("standard", ["thread", "process"]);
suite("off", ["open process"]);

function suite(sandbox: "standard" | "off", walls: readonly Wall[]): void {
	describe(`with SANDBOX=${sandbox}`, () => {
		let host: ChaosHost;
		let traffic: Traffic;
		let resources: Resources;
		let all: ReturnType<Traffic["watch"]>;
		const delayed: string[] = [];

		before(async () => {
			host = await startChaosHost({ fixtures: FIXTURES, sandbox });
			traffic = startTraffic(host.url, host.pid);
			await traffic.rounds(LEAST_ROUNDS);
			resources = await host.resources();
			all = traffic.watch();
		});
		after(async () => {
			await traffic?.stop();
			await host?.close();
		});

		const shown = FIXTURES.filter((fixture) => walls.some((wall) => fixture.expects(wall) !== undefined));
		const light = shown.filter(({ isHeavy }) => !isHeavy);
		describe("one at a time", () => {
			for (const fixture of shown.filter(({ isHeavy }) => isHeavy)) misbehaves(fixture);
		});
		describe("modules that are restarted", { concurrency: AT_A_TIME.restarted }, () => {
			for (const fixture of light.filter((each) => isRestarted(each, walls))) misbehaves(fixture);
		});
		describe("modules that serve on, or never served", { concurrency: AT_A_TIME.serving }, () => {
			for (const fixture of light.filter((each) => !isRestarted(each, walls))) misbehaves(fixture);
		});

		test("nobody else felt anything, and everything is given back", async () => {
			await givenBack(host, resources, { timers: true });
			const { scrapes, calls, failures } = all();
			assert.deepEqual(failures, []);
			assert.deepEqual(delayed, []);
			assert.ok(scrapes > shown.length && calls > shown.length, `${scrapes} scrapes, ${calls} calls`);
			assert.ok(host.isFirst(), "the host has never died");
		});

		function misbehaves(fixture: ChaosFixture): void {
			test(fixture.name, async () => {
				const report = traffic.watch();
				const shownBehind = walls.filter((wall) => fixture.expects(wall));
				// Metrics would have the same names behind both, and there is one pipe for all that block on it.
				if (fixture.kind === "metrics" || fixture.isHeavy) for (const wall of shownBehind) await behind(wall, fixture);
				else await Promise.all(shownBehind.map((wall) => behind(wall, fixture)));
				const { scrapes, calls, failures, slow } = report();
				for (const answer of slow) delayed.push(`beside ${fixture.name}: ${answer}`);
				assert.deepEqual(failures, []);
				assert.ok(scrapes >= LEAST_ROUNDS && calls >= LEAST_ROUNDS, `${scrapes} scrapes, ${calls} calls`);
				assert.ok(host.isFirst(), "the host has not died");
				if (fixture.isHeavy) await givenBack(host, resources, { timers: false });
			});
		}

		async function behind(wall: Wall, fixture: ChaosFixture): Promise<void> {
			const { observed, said, counted } = await runCase(host, traffic, fixture, wall);
			assert.ok(fixture.expects(wall)?.includes(observed), `${wall}: ${observed}, said: ${said}`);
			if (observed === "contained") return;
			if (observed === "dropped") return assert.match(said, /"reason":"[a-z_]+"/, `${wall}: why`);
			// Of the end of a version that was replaced, its own or not, the log alone has something to say.
			if (!observed.endsWith("reload")) assert.match(said, SENTENCE, `${wall}: what happened, and what to do`);
			if (counted !== undefined) assert.ok(counted > 0, `${wall}: the reason is counted`);
		}
	});
}

function isRestarted(fixture: ChaosFixture, walls: readonly Wall[]): boolean {
	return walls.some((wall) => fixture.expects(wall)?.some((outcome) => outcome.startsWith("restart")) ?? false);
}

const SENTENCE = /[a-z]{2,}( \S+){2,}/i;
