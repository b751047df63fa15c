/** What `bulkhead doctor` found about one thing. */
export interface CheckResult {
	readonly check: string;
	/** `warning`: it works, until it does not. `skipped`: there was nothing to try it with. */
	readonly status: "ok" | "warning" | "failed" | "skipped";
	/** What was found; where it is not ok, with what to do. */
	readonly detail: string;
}

/** Runs a check. It says what it found, or throws with what is wrong. */
export async function tried(check: string, run: () => string | Promise<string>): Promise<CheckResult> {
	try {
		return { check, status: "ok", detail: await run() };
	} catch (error) {
		return { check, status: "failed", detail: error instanceof Error ? error.message : String(error) };
	}
}
