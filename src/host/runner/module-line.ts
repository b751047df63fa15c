import type { LogLevel } from "../../../workers/contract.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";
import type { LoggedDto } from "../../../workers/wire/messages.ts";
import type { RequestLabels } from "../../../workers/wire/rpc-client.ts";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import { describeProblem, type ModuleProblem } from "./error-location.ts";

/** A line of a module for the host's log. */
export interface ModuleLine {
	readonly level: LogLevel;
	readonly message: string;
	/** Whether a handler of the module threw, so that it is a line about the module. */
	readonly isFailure: boolean;
	readonly labels: RequestLabels | undefined;
	/** What the module gave beside its message. */
	readonly fields: Readonly<Record<string, unknown>> | undefined;
	/** Class, place and causes, and the stack in the author's files. */
	readonly error: (ModuleProblem & Pick<WireErrorDto, "stack">) | undefined;
}

export function moduleLine(
	{ level, text, fields, error, isFailure = false }: LoggedDto,
	labels: RequestLabels | undefined,
	locate: (error: WireErrorDto) => ModuleProblem,
): ModuleLine {
	const problem = error === undefined ? undefined : locate(error);
	const given = fields === undefined ? undefined : parseJson(fields);
	return {
		level,
		message: isFailure && problem !== undefined ? `${text}: ${describeProblem(problem)}` : text,
		isFailure,
		labels,
		fields: isRecord(given) ? given : undefined,
		error: problem && { ...problem, ...(error?.stack !== undefined && { stack: error.stack }) },
	};
}
