/** What the log is told of collections that bring nothing: when that begins, when the error is another one, when it is over. */
import { describeProblem } from "../../host/runner/error-location.ts";
import type { CollectError, CollectFailure } from "./report.ts";
import { createToldOnce } from "./log-once.ts";

export type FailureNews =
	| { readonly kind: "failed"; readonly code: CollectFailure; readonly message: string; readonly partial: boolean }
	/** It fails with ever other errors. */
	| { readonly kind: "failures_muted" }
	/** `failures` is how many collections have failed since it was last told to be well. */
	| { readonly kind: "recovered"; readonly failures: number };

export interface FailureNewsSource {
	/** How a collection ended, one call for each in order. */
	next(error: CollectError | undefined): FailureNews | undefined;
}

/**
 * Few lines, however a module fails. An error is told once until the module has recovered, and no more than
 * `MAX_ERRORS_TOLD` of them. A module that fails every now and then is told to have recovered after twice as many good
 * collections as the time before, up to `MAX_PATIENCE` of them.
 */
export function createFailureNews(): FailureNewsSource {
	const told = createToldOnce(MAX_ERRORS_TOLD);
	/** Since it was last told to be well. */
	let failures = 0;
	let goodInARow = 0;
	/** How many good collections in a row it takes to be well. */
	let patience = 1;

	return {
		next(error) {
			if (error !== undefined) {
				failures++;
				goodInARow = 0;
				return failureOf(error);
			}
			goodInARow++;
			if (failures > 0 && goodInARow >= patience) {
				const recovered = { kind: "recovered", failures } as const;
				failures = 0;
				told.clear();
				patience = Math.min(2 * patience, MAX_PATIENCE);
				return recovered;
			}
			if (failures === 0 && goodInARow >= MAX_PATIENCE) patience = 1;
			return undefined;
		},
	};

	function failureOf({ code, message, problem, failures: metrics }: CollectError): FailureNews | undefined {
		const line = firstLineOf(problem === undefined ? message : describeProblem(problem));
		switch (told.tell(`${code} ${line}`)) {
			case "new":
				return { kind: "failed", code, message: line, partial: metrics !== undefined };
			case "more":
				return { kind: "failures_muted" };
			case "told":
				return undefined;
		}
	}
}

const MAX_ERRORS_TOLD = 10;
const MAX_PATIENCE = 64;
const MAX_LINE_CHARS = 500;

function firstLineOf(message: string): string {
	return (message.split("\n", 1)[0] ?? "").slice(0, MAX_LINE_CHARS).toWellFormed();
}
