import { followEvents } from "./events.ts";

const MAX_LINES = 500;

/** Shows the last lines of the module's log, and those that come. */
export function tailLog(): void {
	const log = document.getElementById("log");
	if (log === null || log.dataset["following"] !== undefined) return;
	log.dataset["following"] = "";
	const say = (text: string): void => {
		log.dataset["empty"] = text;
	};
	followEvents(`api/modules/${log.dataset["module"]}/logs?lines=100&follow`, {
		onEvent: (_event, data) => append(log, data),
		onOpen() {
			log.replaceChildren(); // the last lines come anew
			say("Nothing logged yet.");
		},
		onLost: () => undefined,
		onRefused: (problem) => say(problem),
	});
}

function append(log: HTMLElement, data: string): void {
	const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 20;
	const { level, text } = readLine(data);
	const line = document.createElement("span");
	line.className = level;
	line.textContent = `${text}\n`;
	log.append(line);
	while (log.childElementCount > MAX_LINES) log.firstElementChild?.remove();
	if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function readLine(data: string): { readonly level: string; readonly text: string } {
	try {
		const { time, level, message, msg, text } = JSON.parse(data) as Record<string, unknown>;
		const said = [message, msg, text].find((each) => typeof each === "string");
		if (typeof said !== "string") return { level: "", text: data };
		const name = typeof level === "string" && LEVELS.has(level) ? level : "";
		return {
			level: name,
			text: [typeof time === "string" ? time.slice(11, 19) : "", name, said].filter(Boolean).join(" "),
		};
	} catch {
		return { level: "", text: data };
	}
}

const LEVELS: ReadonlySet<string> = new Set(["debug", "info", "warn", "error"]);
