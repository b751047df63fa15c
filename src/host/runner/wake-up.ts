/** Waits until somebody wakes the set, the time is over, or the signal is aborted. */
export function wakened(waiting: Set<() => void>, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
	return new Promise((resolve) => {
		const wake = (): void => {
			waiting.delete(wake);
			clearTimeout(timer);
			signal?.removeEventListener("abort", wake);
			resolve();
		};
		const timer = setTimeout(wake, timeoutMs);
		waiting.add(wake);
		signal?.addEventListener("abort", wake, { once: true });
	});
}
