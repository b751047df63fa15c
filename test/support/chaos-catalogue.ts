import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** One way to misbehave: a module under test/fixtures/chaos, and what its header says of it. */
export interface ChaosFixture {
	/** The file without its extension, which says what it does. */
	readonly name: string;
	readonly kind: "metrics" | "mcps";
	readonly source: string;
	/** A sentence for people. */
	readonly description: string;
	readonly trigger: Trigger;
	/** YAML of what the operator grants to it, `{}` for nothing. FIFO stands for a pipe that nobody writes to. */
	readonly policy: string;
	/** What may come of it behind a wall on this Node; undefined where that combination shows nothing of its own. */
	expects(wall: Wall, nodeMajor?: number): readonly Outcome[] | undefined;
}

export const TRIGGERS = ["call", "collect", "start", "save", "save while a call runs"] as const;
/** What sets it off. */
export type Trigger = (typeof TRIGGERS)[number];

export const WALLS = ["thread", "process", "open process"] as const;
/** What it runs in; an open process is one without the sandbox (`SANDBOX=off`), which is all that holds it then. */
export type Wall = (typeof WALLS)[number];

/**
 * What comes of a misbehaviour, always beside neighbours that feel nothing of it. `abandoned` says that the thread could
 * not be ended and that its module went on in a process; `refused` is an answer that names the module and the policy;
 * `broken` is a module that has made itself useless, and only itself.
 */
export type Outcome =
	| `restart ${string}`
	| `does not start ${string}`
	| "does not compile"
	| "refused"
	| "error"
	| "dropped"
	| "contained"
	| "broken";

const FOLDER = path.join(import.meta.dirname, "../fixtures/chaos");
export const NODE_MAJOR = Number.parseInt(process.versions.node, 10);

/** All of them by name. @throws where a header says something that is not known here */
export function readCatalogue(): readonly ChaosFixture[] {
	return (["mcps", "metrics"] as const)
		.flatMap((kind) =>
			readdirSync(path.join(FOLDER, kind))
				.filter((file) => !file.startsWith("_"))
				.map((file) => readFixture(kind, file)),
		)
		.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the MCP fixtures share; it has to lie beside them. */
export const HELPER = {
	file: "mcps/_misbehave.ts",
	source: readFileSync(path.join(FOLDER, "mcps/_misbehave.ts"), "utf8"),
};

function readFixture(kind: "metrics" | "mcps", file: string): ChaosFixture {
	const source = readFileSync(path.join(FOLDER, kind, file), "utf8");
	const [description = "", ...header] = source
		.split("\n", MAX_HEADER_LINES)
		.flatMap((line) => /^\/\/ (.+)$/.exec(line)?.[1] ?? []);
	const fields = new Map(header.map((line) => splitField(file, line)));
	const trigger = fields.get("trigger") ?? (kind === "mcps" ? "call" : "collect");
	if (!(TRIGGERS as readonly string[]).includes(trigger)) throw new Error(`${file}: no such trigger: ${trigger}`);
	for (const key of fields.keys()) if (!FIELD.test(key)) throw new Error(`${file}: no such header: ${key}`);
	if (!fields.has("expects")) throw new Error(`${file} does not say what it expects`);
	return {
		name: file.replace(/\.ts$/, ""),
		kind,
		source,
		description,
		trigger: trigger as Trigger,
		policy: fields.get("policy") ?? "{}",
		expects(wall, nodeMajor = NODE_MAJOR) {
			const place = wall === "thread" ? "" : ` in ${wall === "process" ? "a" : "an"} ${wall}`;
			const inherited = wall === "open process" ? undefined : fields.get("expects");
			const text =
				fields.get(`expects${place} on Node ${nodeMajor}`) ??
				fields.get(`expects${place}`) ??
				(wall === "process" ? fields.get(`expects on Node ${nodeMajor}`) : undefined) ??
				inherited;
			return text === undefined ? undefined : readOutcomes(file, text);
		},
	};
}

const MAX_HEADER_LINES = 8;
const FIELD = /^(?:trigger|policy|expects(?: in an? (?:open )?process)?(?: on Node \d+)?)$/;
const OUTCOME =
	/^(?:(?:restart|does not start) [a-z_]+(?:, abandoned)?|does not compile|refused|error|dropped|contained|broken)$/;

function splitField(file: string, line: string): readonly [key: string, value: string] {
	const [, key, value] = /^([^:]+): (.+)$/.exec(line) ?? [];
	if (key === undefined || value === undefined) throw new Error(`${file}: cannot read the header line "${line}"`);
	return [key, value];
}

function readOutcomes(file: string, text: string): readonly Outcome[] {
	const outcomes = text.split(" | ");
	for (const outcome of outcomes) if (!OUTCOME.test(outcome)) throw new Error(`${file}: no such outcome: ${outcome}`);
	return outcomes as Outcome[];
}
