import type { Response } from "express";
import type { Host } from "../../host/host.ts";
import { MAX_KEPT_LINES, type ModuleLine, type ModuleLog } from "../../logging/module-log.ts";
import { sendProblem } from "../front/problem.ts";
import { JSON_ANSWER, PROBLEM, type Route } from "../front/route.ts";
import { moduleIdOf, seenModule, sendUnknownModule } from "./modules-route.ts";

export interface ModuleLogRouteOptions {
	readonly host: Pick<Host, "module">;
	readonly moduleLog: Pick<ModuleLog, "last" | "follow">;
	/** Aborts when the host stops: the streams end. */
	readonly stopping: AbortSignal;
}

/** `GET /api/modules/:kind/:name/logs?lines=N&follow`: the last lines of a module, and as events those that come. */
export function moduleLogRoute({ host, moduleLog, stopping }: ModuleLogRouteOptions): Route {
	let streams = 0;

	function follow(response: Response, id: string, first: readonly ModuleLine[]): void {
		if (streams >= MAX_STREAMS) {
			const detail = `${MAX_STREAMS} logs are being followed already: close one of them`;
			return sendProblem(response, 503, "TOO_MANY_STREAMS", "Too many streams", detail);
		}
		streams += 1;
		let lost = 0;
		response.writeHead(200, {
			"content-type": "text/event-stream",
			"cache-control": "no-store",
			"x-accel-buffering": "no",
		});
		response.write(": the log of a module, one line an event\n\n");
		const send = (line: ModuleLine): void => {
			// Who does not read does not make the host keep what comes.
			if (response.writableLength > MAX_UNREAD_BYTES) return void lost++;
			if (lost > 0) response.write(`event: lost\ndata: {"lines":${lost}}\n\n`);
			lost = 0;
			response.write(`data: ${JSON.stringify(line)}\n\n`);
		};
		for (const line of first) send(line);
		const unfollow = moduleLog.follow(id, send);
		const alive = setInterval(() => response.writableLength === 0 && response.write(":\n\n"), KEEP_ALIVE_MS).unref();
		const end = (): void => void response.end();
		stopping.addEventListener("abort", end);
		response.once("close", () => {
			streams -= 1;
			clearInterval(alive);
			unfollow();
			stopping.removeEventListener("abort", end);
		});
	}

	return {
		path: "/api/modules/:kind/:name/logs",
		scope: "admin",
		operations: {
			get: {
				summary: "The last log lines of a module; with `follow` those that come too, as server-sent events",
				handlers: [
					(request, response) => {
						const id = moduleIdOf(request.params);
						if (seenModule(host, request, id) === undefined) return sendUnknownModule(response, id);
						const { lines = String(DEFAULT_LINES), follow: following } = request.query;
						if (typeof lines !== "string" || !/^\d{1,9}$/.test(lines)) {
							const detail = `lines must be a whole number; ${MAX_KEPT_LINES} are kept at most`;
							return sendProblem(response, 400, "BAD_REQUEST", "Bad request", detail);
						}
						const last = moduleLog.last(id, Number(lines));
						if (following === undefined || following === "false") {
							return void response.setHeader("cache-control", "no-store").json({ module: id, lines: last });
						}
						follow(response, id, last);
					},
				],
				query: [
					{
						name: "lines",
						description: `How many of the last lines, at most ${MAX_KEPT_LINES}`,
						schema: { type: "integer", minimum: 0, default: DEFAULT_LINES },
					},
					{ name: "follow", description: "Goes on with the lines that come", schema: { type: "string" } },
				],
				answers: {
					200: { description: "Time, level and message of each line, the oldest first", type: JSON_ANSWER },
					400: PROBLEM,
					404: PROBLEM,
					503: PROBLEM,
				},
			},
		},
	};
}

const DEFAULT_LINES = 100;
const MAX_STREAMS = 64;
const MAX_UNREAD_BYTES = 1 << 20;
const KEEP_ALIVE_MS = 15_000;
