import { EXIT_CODES } from "../../launch/launch-contract.ts";

/** Ends a command with one text on standard error, without a stack. */
export class CommandFailure extends Error {
	override readonly name = "CommandFailure";
	readonly exitCode: number;

	/** @param message one sentence or more, without a dot at its end: what is wrong, and what to do */
	constructor(message: string, exitCode: number = EXIT_CODES.startFailed, options?: ErrorOptions) {
		super(message, options);
		this.exitCode = exitCode;
	}
}

/** Wrong usage or configuration. */
export function wrongUsage(message: string): CommandFailure {
	return new CommandFailure(message, EXIT_CODES.badConfiguration);
}
