import { isRecord, parseJson } from "../../workers/protocol.ts";
import { moduleError } from "./request-failure.ts";

export interface CallAnswer {
	/** Text of `{"result": …}`, exactly as the module's server wrote it. */
	readonly json: string;
	readonly result: Readonly<Record<string, unknown>>;
}

/**
 * Checks what a worker answered: `{"result": {…}}` and nothing beside it, on one line, since its text goes to the client
 * as it is, also as one line of an event stream.
 *
 * @throws {ProtocolError} the module's own error, or that it is no such answer
 */
export function readAnswer(json: string): CallAnswer {
	const answer = parseJson(json);
	if (!isRecord(answer)) throw moduleError(undefined);
	const { result, ...more } = answer;
	if (!isRecord(result) || !json.startsWith(RESULT_HEAD) || Object.keys(more).length > 0 || /[\n\r]/.test(json)) {
		throw moduleError(answer["error"]);
	}
	return { json, result };
}

/** How a result begins that our runtime has written. */
const RESULT_HEAD = '{"result":{';
