/**
 * What the supervisor (main.ts) and the host (server.ts) agree on. Imports nothing: the supervisor also runs on a Node
 * that is too old for the host, and with nothing installed.
 *
 * The host's standard input is a pipe that the supervisor holds open and never writes to. It ends when the supervisor is
 * gone, however that came about, and then the host must stop too: nobody would restart it, and it holds the port.
 *
 * Supervisor and host are in one process group, so a host can get one Ctrl-C twice, from the terminal and passed on. From
 * the second stop signal on, the host does nothing: to kill what does not stop is the supervisor's part.
 */

/** What Node and V8 are told when the host is started. */
export const HOST_FLAGS: readonly string[] = [
	// Without it V8 drops the interrupt check of some plain loops, and a worker in one can never be terminated.
	"--no-turboshaft-loop-unrolling",
	// As many helper threads for garbage collection and compilers as there are other processors, instead of four. All
	// threads of the process share them, and more of them than processors make main wait for its own helpers while these
	// wait for a processor.
	"--v8-pool-size=0",
	"--disable-proto=delete",
	// A worker that sends SIGUSR1 to its own process would open the inspector on it.
	"--disable-sigusr1",
	"--enable-source-maps",
];

/** The directory the user started in. The host's own working directory is an empty one. */
export const START_DIR_ENV = "BULKHEAD_START_DIR";

/** How often this supervisor has restarted the host, and why: the JSON text of a `RestartCounts`. */
export const RESTARTS_ENV = "BULKHEAD_RESTARTS";

/** Restarts after the host's process was killed by a signal, and after it ended with an exit code it should not have. */
export interface RestartCounts {
	readonly signal: number;
	readonly exit: number;
}

/** How the host before this one ended: the JSON text of a `LastEnd`. Not set for the first host of a supervisor. */
export const LAST_END_ENV = "BULKHEAD_LAST_END";

export interface LastEnd {
	/** What killed it; null when it ended by itself. */
	readonly signal: string | null;
	/** What Node wrote of the JavaScript that ran when the process aborted, the innermost call first; empty as a rule. */
	readonly stack: string;
}

/** The descriptor of the supervisor's standard error, for the log. The host's own is a pipe that the supervisor reads. */
export const LOG_FD_ENV = "BULKHEAD_LOG_FD";

export const EXIT_CODES = {
	stopped: 0,
	/** The start failed in a way that trying again does not cure: the port is in use, Node is too old. */
	startFailed: 1,
	/** Nothing caught an error in the host. Ends the process, and the supervisor restarts it. EX_SOFTWARE in sysexits.h. */
	uncaught: 70,
	/** EX_CONFIG in sysexits.h. */
	badConfiguration: 78,
} as const;

/** The supervisor needs it as well: it kills a host that takes longer, and a second more, to stop. */
export const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;

/** Seven days. Far below 2^31 ms, above which Node runs a timer at once instead of late. */
export const MAX_DURATION_MS = 604_800_000;
