import type { ChaosFixture, Outcome, Wall } from "./chaos-catalogue.ts";
import type { ChaosHost, ChaosModuleView } from "./chaos-host.ts";
import { growth, type Resources } from "./chaos-resources.ts";
import type { Traffic } from "./chaos-traffic.ts";
import type { HttpAnswer } from "./http-client.ts";
import { sampleOf } from "./test-server.ts";
import { until } from "./until.ts";

export interface CaseResult {
	readonly observed: Outcome;
	/** What `/api/modules` or the answer says about it. */
	readonly said: string;
	/** How often the page counts the reason, where the module was restarted for one. */
	readonly counted: number | undefined;
}

const OUTCOME_DEADLINE_MS = 15_000;
const GIVEN_BACK_DEADLINE_MS = 20_000;
/** How much of the others' traffic goes by before a module that still serves counts as one that does. */
const QUIET_ROUNDS = 15;

/** Drops a fixture in, sets it off, waits for one of the outcomes that it may have, and takes it out again. */
export async function runCase(
	host: ChaosHost,
	traffic: Traffic,
	fixture: ChaosFixture,
	wall: Wall,
): Promise<CaseResult> {
	const id = host.idOf(fixture, wall);
	await host.save(id, fixture.source);
	try {
		const answer = await trigger(host, fixture, id);
		return await outcomeOf(host, traffic, fixture, wall, id, answer);
	} finally {
		host.releaseFifo();
		await host.remove(id);
		await until(async () => (await host.module(id)) === undefined, `${id} is gone`);
	}
}

/**
 * Waits until the host holds no more than before.
 *
 * @param options.timers whether to count what Node says it holds as well; the page takes a second to show that
 * @throws with what it holds more
 */
export async function givenBack(
	host: ChaosHost,
	before: Resources,
	{ timers }: { readonly timers: boolean },
): Promise<void> {
	let more: readonly string[] = [];
	await until(
		async () => {
			const now = await host.resources();
			more = growth(before, timers ? now : { ...now, active: {} });
			return more.length === 0;
		},
		"everything is given back",
		GIVEN_BACK_DEADLINE_MS,
	).catch(() => {
		throw new Error(`the host still holds ${more.join(", ")}`);
	});
}

/** @returns the answer to the call that set it off, if one did */
async function trigger(host: ChaosHost, fixture: ChaosFixture, id: string): Promise<HttpAnswer | undefined> {
	if (fixture.trigger === "start") return undefined;
	await until(async () => SERVING.has((await host.module(id))?.state ?? ""), `${id} serves`);
	switch (fixture.trigger) {
		case "collect":
			return undefined;
		case "call":
			return host.execute(toolOf(id, "misbehave"));
		case "save":
			await host.save(id, newer(fixture.source));
			return undefined;
		case "save while a call runs": {
			const call = host.execute(toolOf(id, "misbehave"));
			await host.save(id, newer(fixture.source));
			return call;
		}
	}
}

function toolOf(id: string, what: "misbehave" | "behave"): string {
	return `${id.slice("mcps/".length)}.${what}`;
}

const SERVING = new Set(["running", "degraded"]);

/** The next version of a module, which no longer misbehaves. */
function newer(source: string): string {
	return `${source.replace(/export default [^]*$/, "")}\nexport const version = 2;\nexport default misbehave(() => undefined);\n`;
}

async function outcomeOf(
	host: ChaosHost,
	traffic: Traffic,
	fixture: ChaosFixture,
	wall: Wall,
	id: string,
	answer: HttpAnswer | undefined,
): Promise<CaseResult> {
	const expected = fixture.expects(wall) ?? [];
	const isRestart = expected.every((outcome) => outcome.startsWith("restart") || outcome.startsWith("does not"));
	let quiet = false;
	let result: CaseResult | undefined;
	let view: ChaosModuleView | undefined;
	const look = async (): Promise<boolean> => {
		view = await host.module(id);
		if (view === undefined) return false;
		const page = await host.page();
		const seen = observe(view, answer, fixture, id, page);
		if (seen === undefined || (isQuiet(seen.observed) && !quiet)) return false;
		result = seen;
		return expected.includes(seen.observed) || (expected.includes("broken") && isQuiet(seen.observed));
	};
	if (!isRestart) {
		// Nothing ends that could be waited for: the module has to be seen to go on.
		await traffic.rounds(QUIET_ROUNDS);
		quiet = true;
	}
	await until(look, "the outcome shows", OUTCOME_DEADLINE_MS).catch(async (error: unknown) => {
		if (result !== undefined) return; // another one than expected: for the caller to compare
		if (!quiet) {
			quiet = true;
			if ((await look()) || result !== undefined) return;
		}
		throw new Error(
			`${id}: ${String(error)}: ${JSON.stringify({ view, answer: answer?.body.slice(0, 500) })}\n${host.log().slice(-2000)}`,
		);
	});
	if (result === undefined) throw new Error(`${id}: nothing was seen`);
	if (fixture.kind === "metrics" || result.observed.startsWith("does not")) return result;
	if (expected.includes("broken")) {
		const { status, body } = await host.execute(toolOf(id, "behave"));
		return status === 200 ? result : { ...result, observed: "broken", said: body };
	}
	await behaves(host, id);
	return result;
}

function isQuiet(outcome: Outcome): boolean {
	return outcome === "contained" || outcome === "error" || outcome === "refused";
}

function observe(
	view: ChaosModuleView,
	answer: HttpAnswer | undefined,
	fixture: ChaosFixture,
	id: string,
	page: string,
): CaseResult | undefined {
	const [reason] = Object.keys(view.restarts).filter((each) => each !== "reload" || fixture.trigger.startsWith("save"));
	if (view.load_error !== null && reason === undefined) {
		const { message, file, line } = view.load_error;
		return { observed: "does not compile", said: `${file}:${line} ${message}`, counted: undefined };
	}
	if (reason !== undefined) {
		const abandoned = sampleOf(page, `mcp_threads_abandoned_total{server_id="${id}"}`) ?? 0;
		const counted = sampleOf(page, `mcp_server_restarts_total{server_id="${id}",reason="${reason}"}`) ?? 0;
		const said = view.last_restart === null ? "" : `${view.last_restart.problem.message}; ${view.last_restart.advice}`;
		if (fixture.trigger === "start") return { observed: `does not start ${reason}`, said, counted };
		const suffix = abandoned > 0 && view.isolation === "process" ? ", abandoned" : "";
		return { observed: `restart ${reason}${suffix}`, said, counted };
	}
	if (fixture.kind === "metrics") {
		if (view.collection === null) return undefined;
		const { success, drops } = view.collection;
		if (drops.length > 0) return { observed: "dropped", said: JSON.stringify(drops), counted: undefined };
		return { observed: success ? "contained" : "error", said: JSON.stringify(view.collection), counted: undefined };
	}
	if (answer === undefined) return undefined;
	const isError = answer.status !== 200 || answer.body.includes('"isError":true');
	const observed = answer.body.includes(`${id} may not `) ? "refused" : isError ? "error" : "contained";
	return { observed, said: answer.body.slice(0, MAX_SAID), counted: undefined };
}

const MAX_SAID = 500;

/** It serves again, or still. */
async function behaves(host: ChaosHost, id: string): Promise<void> {
	let last: HttpAnswer | undefined;
	await until(
		async () => {
			last = await host.execute(toolOf(id, "behave"));
			return last.status === 200 && last.body.includes('"fine"');
		},
		`${id} serves`,
		OUTCOME_DEADLINE_MS,
	).catch((error: unknown) => {
		throw new Error(`${String(error)}: ${last?.body.slice(0, MAX_SAID)}`);
	});
}
