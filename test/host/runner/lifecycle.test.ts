/** The life of a module without a module: each transition once, and rules that hold whatever happens in whatever order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
	candidateOf,
	currentOf,
	type LifeEffect,
	type LifeEvent,
	type Lifecycle,
	NEW_LIFE,
	stateOf,
} from "../../../src/host/runner/life.ts";
import { reduce } from "../../../src/host/runner/lifecycle.ts";
import { isServing, MODULE_STATES, type ModuleState } from "../../../src/host/runner/module-state.ts";
import { QUARANTINE_AFTER, type RestartReason, STABLE_RUN_MS } from "../../../src/host/runner/restart-policy.ts";

type Event = LifeEvent<string>;
type Life = Lifecycle<string>;

const problem = { message: "no" };
const deployed = (version: string): Event => ({ type: "deployed", version });
const turn = (generation: number): Event => ({ type: "turnCame", generation });
const started = (generation: number): Event => ({ type: "started", generation });
const startFailed = (generation: number, isFinal = false): Event => ({
	type: "startFailed",
	generation,
	reason: "crash",
	problem,
	isFinal,
});
const lost = (generation: number): Event => ({ type: "lost", generation, reason: "exit", problem });
const overran = (generation: number): Event => ({ type: "overran", generation, reason: "call_timeout", problem });
const disable: Event = { type: "disableAsked", deadlineMs: 7 };
const enable: Event = { type: "enableAsked", reason: "policy" };
const stop: Event = { type: "stopAsked", deadlineMs: 9 };
const broken: Event = { type: "loaded", problem };
const mended: Event = { type: "loaded", problem: undefined };
const collected = (hasFailed: boolean): Event => ({ type: "collected", hasFailed });
const retryDue: Event = { type: "retryDue" };
const ended: Event = { type: "ended" };
/** From nothing to `v1` that serves as generation 1. */
const SERVING = [deployed("v1"), turn(1), started(1)];

/** The life after these events at time 1000, and the effects of the last of them. */
function live(events: readonly Event[]): { readonly life: Life; readonly effects: readonly LifeEffect<string>[] } {
	let life: Life = NEW_LIFE;
	let effects: readonly LifeEffect<string>[] = [];
	for (const event of events) ({ state: life, effects } = reduce(life, event, { now: 1000, random: () => 0.5 }));
	return { life, effects };
}

interface Row {
	readonly when: string;
	readonly events: readonly Event[];
	readonly state: ModuleState;
	/** Of the last event. */
	readonly effects: readonly LifeEffect<string>[];
}

const TABLE: readonly Row[] = [
	{
		when: "a first version waits for its turn",
		events: [deployed("v1")],
		state: "starting",
		effects: [
			{ type: "queue", generation: 1 },
			{ type: "enter", state: "starting" },
		],
	},
	{
		when: "its turn comes",
		events: [deployed("v1"), turn(1)],
		state: "starting",
		effects: [{ type: "start", generation: 1, version: "v1" }],
	},
	{ when: "its turn comes twice", events: [deployed("v1"), turn(1), turn(1)], state: "starting", effects: [] },
	{
		when: "a save comes before its turn: that version takes its place in the line",
		events: [deployed("v1"), deployed("v2"), turn(1)],
		state: "starting",
		effects: [{ type: "start", generation: 1, version: "v2" }],
	},
	{
		when: "a save comes while it starts: what starts is ended",
		events: [deployed("v1"), turn(1), deployed("v2")],
		state: "starting",
		effects: [
			{ type: "kill", generation: 1, why: "a newer version of the module was started" },
			{ type: "queue", generation: 2 },
		],
	},
	{
		when: "what was superseded has started all the same",
		events: [deployed("v1"), turn(1), deployed("v2"), started(1)],
		state: "starting",
		effects: [],
	},
	{
		when: "it has started",
		events: SERVING,
		state: "running",
		effects: [
			{ type: "serve", generation: 1 },
			{ type: "enter", state: "running" },
		],
	},
	{
		when: "a newer one has started beside it",
		events: [...SERVING, deployed("v2"), turn(2), started(2)],
		state: "running",
		effects: [
			{ type: "serve", generation: 2 },
			{ type: "countRestart", reason: "reload" },
			{ type: "drain", generation: 1 },
		],
	},
	{
		when: "a newer one does not start: the good one serves",
		events: [...SERVING, deployed("v2"), turn(2), startFailed(2, true)],
		state: "degraded",
		effects: [{ type: "enter", state: "degraded" }],
	},
	{
		when: "the file does not compile",
		events: [...SERVING, broken],
		state: "degraded",
		effects: [{ type: "enter", state: "degraded" }],
	},
	{
		when: "it compiles again as it was",
		events: [...SERVING, broken, mended],
		state: "running",
		effects: [{ type: "enter", state: "running" }],
	},
	{
		when: "a collection fails",
		events: [...SERVING, collected(true)],
		state: "degraded",
		effects: [{ type: "enter", state: "degraded" }],
	},
	{
		when: "the next one does not",
		events: [...SERVING, collected(true), collected(false)],
		state: "running",
		effects: [{ type: "enter", state: "running" }],
	},
	{
		when: "it is lost: it starts again at once",
		events: [...SERVING, lost(1)],
		state: "restarting",
		effects: [
			{ type: "countRestart", reason: "exit" },
			{ type: "arm", delayMs: 0 },
			{ type: "enter", state: "restarting" },
		],
	},
	{
		when: "the time of the attempt has come",
		events: [...SERVING, lost(1), retryDue],
		state: "starting",
		effects: [{ type: "queue", generation: 2 }, { type: "disarm" }, { type: "enter", state: "starting" }],
	},
	{
		when: "a save comes while it waits",
		events: [...SERVING, lost(1), deployed("v2")],
		state: "starting",
		effects: [{ type: "queue", generation: 2 }, { type: "disarm" }, { type: "enter", state: "starting" }],
	},
	{
		when: "it is lost while a newer one starts, which needs no other attempt",
		events: [...SERVING, deployed("v2"), turn(2), lost(1)],
		state: "starting",
		effects: [
			{ type: "countRestart", reason: "exit" },
			{ type: "enter", state: "starting" },
		],
	},
	{
		when: "one before it is lost",
		events: [...SERVING, deployed("v2"), turn(2), started(2), lost(1)],
		state: "running",
		effects: [],
	},
	{
		when: "a call overran: another one of the same version starts beside it",
		events: [...SERVING, overran(1)],
		state: "running",
		effects: [{ type: "queue", generation: 2 }],
	},
	{
		when: "a call overran while another one starts",
		events: [...SERVING, overran(1), overran(1)],
		state: "running",
		effects: [],
	},
	{
		when: "it does not start, but may the next time",
		events: [deployed("v1"), turn(1), startFailed(1)],
		state: "restarting",
		effects: [
			{ type: "countRestart", reason: "crash" },
			{ type: "arm", delayMs: 0 },
			{ type: "enter", state: "restarting" },
		],
	},
	{
		when: "it does not start and never will: nothing is tried",
		events: [deployed("v1"), turn(1), startFailed(1, true)],
		state: "failed",
		effects: [{ type: "enter", state: "failed" }],
	},
	{
		when: "the file is another one then",
		events: [deployed("v1"), turn(1), startFailed(1, true), deployed("v2")],
		state: "starting",
		effects: [
			{ type: "queue", generation: 2 },
			{ type: "enter", state: "starting" },
		],
	},
	{
		when: "its policy is another one then",
		events: [deployed("v1"), turn(1), startFailed(1, true), { type: "restartAsked", reason: "policy" }],
		state: "starting",
		effects: [
			{ type: "queue", generation: 2 },
			{ type: "enter", state: "starting" },
		],
	},
	{
		when: "no version has ever compiled",
		events: [broken],
		state: "failed",
		effects: [{ type: "enter", state: "failed" }],
	},
	{
		when: "the broken file is gone again",
		events: [broken, mended],
		state: "idle",
		effects: [{ type: "enter", state: "idle" }],
	},
	{
		when: "it has served before: it is tried again although it says that it never will",
		events: [...SERVING, lost(1), retryDue, turn(2), startFailed(2, true)],
		state: "restarting",
		effects: [
			{ type: "countRestart", reason: "crash" },
			{ type: "arm", delayMs: 200 },
			{ type: "enter", state: "restarting" },
		],
	},
	{
		when: "its operator disables it",
		events: [...SERVING, disable],
		state: "stopping",
		effects: [
			{ type: "endAll", starting: undefined, deadlineMs: 7 },
			{ type: "enter", state: "stopping" },
		],
	},
	{
		when: "its operator disables it while it waits",
		events: [...SERVING, lost(1), disable],
		state: "stopping",
		effects: [
			{ type: "endAll", starting: undefined, deadlineMs: 7 },
			{ type: "disarm" },
			{ type: "enter", state: "stopping" },
		],
	},
	{
		when: "its operator disables it while it starts",
		events: [deployed("v1"), turn(1), disable],
		state: "stopping",
		effects: [
			{ type: "endAll", starting: 1, deadlineMs: 7 },
			{ type: "enter", state: "stopping" },
		],
	},
	{
		when: "all of it has ended",
		events: [...SERVING, disable, ended],
		state: "disabled",
		effects: [{ type: "enter", state: "disabled" }],
	},
	{
		when: "a save comes to a disabled one",
		events: [...SERVING, disable, ended, deployed("v2")],
		state: "disabled",
		effects: [],
	},
	{
		when: "it is enabled: its newest version starts",
		events: [...SERVING, disable, ended, deployed("v2"), enable],
		state: "starting",
		effects: [
			{ type: "queue", generation: 2 },
			{ type: "enter", state: "starting" },
		],
	},
	{ when: "it is enabled while it still ends", events: [...SERVING, disable, enable], state: "stopping", effects: [] },
	{
		when: "it is enabled while it still ends, and has ended",
		events: [...SERVING, disable, enable, ended],
		state: "starting",
		effects: [
			{ type: "queue", generation: 2 },
			{ type: "enter", state: "starting" },
		],
	},
	{
		when: "it is enabled and disabled while it ends",
		events: [...SERVING, disable, enable, disable, ended],
		state: "disabled",
		effects: [{ type: "enter", state: "disabled" }],
	},
	{
		when: "one that does not compile is enabled",
		events: [{ type: "held" }, broken, ended, enable],
		state: "failed",
		effects: [{ type: "enter", state: "failed" }],
	},
	{
		when: "the host stops while it is being disabled",
		events: [...SERVING, disable, stop, ended],
		state: "stopped",
		effects: [{ type: "enter", state: "stopped" }],
	},
	{
		when: "it is enabled while the host stops",
		events: [...SERVING, stop, enable, ended],
		state: "stopped",
		effects: [{ type: "enter", state: "stopped" }],
	},
	{
		when: "the host stops before it has started anything",
		events: [stop],
		state: "stopping",
		effects: [
			{ type: "endAll", starting: undefined, deadlineMs: 9 },
			{ type: "enter", state: "stopping" },
		],
	},
	{ when: "it is lost while it stops", events: [...SERVING, stop, lost(1)], state: "stopping", effects: [] },
	{ when: "a save comes to a stopped one", events: [stop, ended, deployed("v1")], state: "stopped", effects: [] },
];

for (const { when, events, state, effects } of TABLE) {
	test(`when ${when}`, () => {
		const after = live(events);
		assert.equal(stateOf(after.life), state);
		assert.deepEqual(after.effects, effects);
	});
}

test("failures in a row end in quarantine, a stable run or a save wipes them out", () => {
	let life: Life = live(SERVING).life;
	let now = 1000;
	const happens = (event: Event): void => void ({ state: life } = reduce(life, event, { now, random: () => 0 }));
	const crash = (): void => {
		happens(lost(life.lastGeneration));
		const state = stateOf(life);
		assert.ok(life.phase.type === "waiting" && life.phase.retryAt >= now);
		happens(retryDue);
		happens(turn(life.lastGeneration));
		happens(started(life.lastGeneration));
		states.push(state);
	};
	const states: ModuleState[] = [];
	for (let failure = 0; failure < QUARANTINE_AFTER; failure++) crash();
	assert.deepEqual(states, [...Array.from({ length: QUARANTINE_AFTER - 1 }, () => "restarting"), "quarantined"]);
	now += STABLE_RUN_MS;
	crash();
	assert.equal(states.at(-1), "restarting");
	assert.equal(life.failures, 1);
	happens(deployed("v2"));
	assert.equal(life.failures, 0);
});

test("enabling for the policy's sake is for the policy's sake", () => {
	assert.equal(candidateOf(live([...SERVING, disable, ended, enable]).life)?.replaces, "policy");
	assert.equal(candidateOf(live([...SERVING, disable, enable, ended]).life)?.replaces, "policy");
});

test("after a version that does not start, the one that has served last is tried, and the newest keeps its error", () => {
	const { life } = live([...SERVING, lost(1), deployed("v2"), turn(2), startFailed(2)]);
	assert.equal(life.phase.type === "waiting" && life.phase.version, "v1");
	assert.equal(life.loadError, problem);
	assert.equal(
		live([...SERVING, disable]).life.phase.type === "stopping" &&
			currentOf(live([...SERVING, disable]).life)?.generation,
		1,
	);
});

test("only running and degraded modules answer", () => {
	assert.deepEqual(MODULE_STATES.filter(isServing), ["running", "degraded"]);
});

/** What may follow what, as seen from outside. */
const NEXT: Readonly<Record<ModuleState, readonly ModuleState[]>> = {
	idle: ["starting", "failed", "stopping"],
	starting: ["running", "degraded", "restarting", "quarantined", "failed", "stopping"],
	running: ["degraded", "starting", "restarting", "quarantined", "stopping"],
	degraded: ["running", "starting", "restarting", "quarantined", "stopping"],
	restarting: ["starting", "stopping"],
	quarantined: ["starting", "stopping"],
	failed: ["idle", "starting", "stopping"],
	stopping: ["stopped", "disabled", "starting", "failed", "idle"],
	stopped: [],
	disabled: ["starting", "failed", "idle", "stopping"],
};

const version = fc.constantFrom("v1", "v2", "v3");
/** Numbers of generations that are, were, and will be. */
const generation = fc.integer({ min: 1, max: 12 });
const reason = fc.constantFrom("crash", "exit", "hang", "out_of_memory") as fc.Arbitrary<RestartReason>;
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
	fc.record({ type: fc.constant("deployed" as const), version }),
	fc.record({ type: fc.constant("held" as const), version }),
	fc.constantFrom(broken, mended, disable, enable, retryDue, collected(true), collected(false)),
	fc.constantFrom(stop, ended, ended, ended),
	fc.record({
		type: fc.constant("restartAsked" as const),
		reason: fc.constantFrom("manual", "policy") as fc.Arbitrary<RestartReason>,
	}),
	fc.record({ type: fc.constant("turnCame" as const), generation }),
	fc.record({ type: fc.constant("turnCame" as const), generation }),
	fc.record({ type: fc.constant("started" as const), generation }),
	fc.record({
		type: fc.constant("startFailed" as const),
		generation,
		reason,
		problem: fc.constant(problem),
		isFinal: fc.boolean(),
	}),
	fc.record({ type: fc.constant("lost" as const), generation, reason, problem: fc.constant(problem) }),
	fc.record({
		type: fc.constant("overran" as const),
		generation,
		reason: fc.constant("call_timeout" as const),
		problem: fc.constant(problem),
	}),
);

test("whatever happens in whatever order, the rules hold", () => {
	fc.assert(
		fc.property(
			fc.array(anyEvent, { maxLength: 60 }),
			fc.double({ min: 0, max: 0.99, noNaN: true }),
			(events, random) => {
				let life: Life = NEW_LIFE;
				let now = 0;
				let isArmed = false;
				/** What the runner has begun and not yet ended. */
				const alive = new Set<number>();
				const inLine = new Set<number>();
				for (const event of events) {
					// Nobody starts, or fails to, that was not begun; nothing has ended while it was not asked to.
					if ((event.type === "started" || event.type === "startFailed") && !alive.has(event.generation)) continue;
					if (event.type === "turnCame" && !inLine.delete(event.generation)) continue;
					if (event.type === "retryDue" && !isArmed) continue;
					// One that has begun and is lost before it serves has failed to start, which the runner says next.
					const isCurrent = currentOf(life)?.generation === ("generation" in event ? event.generation : undefined);
					if (event.type === "startFailed" || (event.type === "lost" && isCurrent)) alive.delete(event.generation);
					now += 10;
					const before = life;
					const served = currentOf(before);
					const { state, effects } = reduce(before, event, { now, random: () => random });
					life = state;
					for (const effect of effects) {
						if (effect.type === "start") assert.ok(!alive.has(effect.generation) && alive.add(effect.generation));
						if (effect.type === "queue") inLine.add(effect.generation);
						if (effect.type === "kill" || effect.type === "drain") {
							assert.ok(alive.delete(effect.generation) || event.type === "started", "only what was begun is ended");
						}
						if (effect.type === "endAll") {
							assert.equal(effect.starting, candidateOf(before)?.generation);
							alive.clear();
						}
						if (effect.type === "arm") {
							assert.ok(!isArmed && effect.delayMs >= 0);
							isArmed = true;
						}
						if (effect.type === "disarm") isArmed = false;
						if (effect.type === "enter") assert.equal(effect.state, stateOf(life));
					}
					assert.equal(isArmed, life.phase.type === "waiting", "a timer runs while it waits, and never else");
					const known = [currentOf(life)?.generation, candidateOf(life)?.generation];
					for (const each of alive) assert.ok(known.includes(each), "what was begun serves, starts, or is being ended");
					if (stateOf(before) !== stateOf(life)) {
						assert.ok(NEXT[stateOf(before)].includes(stateOf(life)), `${stateOf(before)} -> ${stateOf(life)}`);
						assert.equal(effects.filter(({ type }) => type === "enter").length, 1);
					} else assert.ok(effects.every(({ type }) => type !== "enter"));
					if (stateOf(before) === "stopped") assert.deepEqual(effects, [], "nothing happens to one that has stopped");
					if (served !== undefined && before.phase.type === "serving" && life.phase.type !== "stopping") {
						const isLost = event.type === "lost" && event.generation === served.generation;
						if (!isLost) assert.ok(currentOf(life) !== undefined, "one that serves is lost by its own end alone");
					}
				}
				// Whatever the life, it can be stopped, and then nothing is left.
				const stopping = reduce(life, stop, { now, random: () => random }).state;
				assert.equal(stateOf(reduce(stopping, ended, { now, random: () => random }).state), "stopped");
			},
		),
		{ numRuns: 3000 },
	);
});
