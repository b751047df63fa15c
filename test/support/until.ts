/**
 * Waits for a condition, asking again until it holds: the one way in which tests wait for what has no event.
 *
 * @param what is awaited, or says so at the end
 * @throws when the condition does not hold within the deadline
 */
export async function until(
	condition: () => boolean | Promise<boolean>,
	what: string | (() => string),
	deadlineMs = 15_000,
): Promise<void> {
	const deadlineAt = performance.now() + deadlineMs;
	while (!(await condition())) {
		if (performance.now() > deadlineAt)
			throw new Error(`timed out after ${deadlineMs} ms: ${typeof what === "string" ? what : what()}`);
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

const POLL_MS = 5;
