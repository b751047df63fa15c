import { moduleError } from "./protocol-errors.ts";
import type { CallAnswer } from "./call-relay.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

/**
 * Checks what a worker answered: `{"result": {…}}` and nothing beside it, on one line, since its text goes to the client
 * as it is, also as one line of an event stream.
 *
 * @throws {ProtocolError} the module's own error, or that this is no answer
 */
export function readCallAnswer(json: string): CallAnswer {
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
