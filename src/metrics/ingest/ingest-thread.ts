/** The thread of the intake: what start-intake.ts starts. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createOwnerKeeper } from "../../state/owner-store.ts";
import { createCounterStore } from "../counters/persistence.ts";
import { FAMILY_OWNERS } from "../ownership/owner-format.ts";
import type { IntakeReply } from "./protocol.ts";
import { serveIntake } from "./ingest.ts";
import type { IntakeSettings } from "./start-ingest.ts";

const port = parentPort as MessagePort;
const { stateDir, counterState, ...options } = workerData as IntakeSettings;
const onProblem = (what: string): void => port.postMessage({ type: "problem", what } satisfies IntakeReply);
const owners = stateDir === undefined ? undefined : createOwnerKeeper({ stateDir, format: FAMILY_OWNERS, onProblem });

serveIntake(port, {
	...options,
	now: Date.now,
	owners: owners && { kept: await owners.load(), changed: owners.changed },
	counters: stateDir !== undefined && counterState ? createCounterStore(stateDir, onProblem) : undefined,
	async onStop() {
		await owners?.close();
		port.close();
	},
});
