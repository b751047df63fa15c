/**
 * Runs a host, under a supervisor, until `until` aborts.
 *
 * @returns its exit code
 */
export type RunHost = (options: {
	readonly env: Readonly<Record<string, string>>;
	readonly until: AbortSignal;
	/** File descriptors that get what it writes to its standard output, and its log. */
	readonly stdout: number;
	readonly log: number;
}) => Promise<number>;
