import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MODULE_ID, type RunOptions, runSandboxed } from "./sandbox-run.ts";

export const SQLITE = "`isolation: process`";
export const NEVER = "no permission in plugins.yaml opens it";
export const NET = "permissions: { net: true }";
export const CHILD = "permissions: { childProcess: true }";

export interface Attack {
	readonly name: string;
	readonly fixture: string;
	/** Asked for when the attack runs, since some of it exists only then. */
	readonly argument?: () => unknown;
	/** What it gets when nothing is locked; undefined when that would end the test's own process, or cannot be had. */
	readonly loot?: unknown;
	/** What the refusal names, and what would allow it. */
	readonly refusal: readonly [thing: string, advice: string];
	readonly options?: RunOptions;
}

/**
 * Runs each attack twice in a real thread: without any lock, to show that it works, and with it. `hasFlags: false` leaves
 * out Node's permission model the second time too, where that alone would refuse it.
 */
export function testAttacks(attacks: readonly Attack[]): void {
	describe("an attack is refused, with what would allow it", { concurrency: 2 }, () => {
		for (const attack of attacks) {
			test(attack.name, async () => {
				if (attack.loot !== undefined) {
					const bare = await runSandboxed(attack.fixture, {
						...attack.options,
						argument: attack.argument?.(),
						isLocked: false,
						hasFlags: false,
					});
					assert.deepEqual(bare.value, attack.loot, `unlocked: ${bare.error?.message}`);
				}
				const { value, error, exitCode } = await runSandboxed(attack.fixture, {
					...attack.options,
					argument: attack.argument?.(),
				});
				assert.equal(error?.code, "ERR_BULKHEAD_DENIED", JSON.stringify({ value, error, exitCode }));
				for (const part of [`${MODULE_ID} may not `, ...attack.refusal]) {
					assert.ok(error.message?.includes(part), `${error.message} names ${part}`);
				}
			});
		}
	});
}
