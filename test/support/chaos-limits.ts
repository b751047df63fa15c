import type { ChaosFixture, Outcome, Wall } from "./chaos-catalogue.ts";

/** The versions of Node that the page speaks of. */
const NODES = [24, 26] as const;
const WALLS = ["thread", "process", "open process"] as const satisfies readonly Wall[];

/** The table of docs/limits.md: a row for each fixture, in Markdown. */
export function limitsTable(fixtures: readonly ChaosFixture[]): string {
	const rows = fixtures.map((fixture) => [
		`${fixture.description.replace(/\.$/, "")} (\`${fixture.name}\`)`,
		...WALLS.map((wall) => cell(fixture, wall)),
	]);
	const head = ["What the module does", "in a thread", "in a process", "in a process with `SANDBOX=off`"];
	return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** One text where the versions agree, else one for each. */
function cell(fixture: ChaosFixture, wall: Wall): string {
	const texts = NODES.map((node) => fixture.expects(wall, node)?.map(describe).join(", or ") ?? "");
	const [first = ""] = texts;
	if (texts.every((text) => text === first)) return first;
	return NODES.map((node, index) => `Node ${node}: ${texts[index]}`).join("; ");
}

function describe(outcome: Outcome): string {
	const [, what, reason, abandoned] = /^(restart|does not start) (\w+)(, abandoned)?$/.exec(outcome) ?? [];
	if (abandoned !== undefined) return `its thread is abandoned, the module goes on in a process (\`${reason}\`)`;
	if (what === "restart")
		return reason === "reload" ? "the newer version serves (`reload`)" : `restarted (\`${reason}\`)`;
	if (what !== undefined) return `does not start, tried again (\`${reason}\`)`;
	return TEXTS[outcome as keyof typeof TEXTS];
}

const TEXTS = {
	"does not compile": "not loaded, with file and line",
	refused: "refused",
	error: "an error of that call",
	dropped: "those samples are dropped",
	contained: "nothing",
	broken: "its own calls fail until it is restarted",
} as const satisfies Partial<Record<Outcome, string>>;

/** The page with this table in the place of its own. @throws when it has no place for one */
export function withTable(page: string, table: string): string {
	if (!PLACE.test(page)) throw new Error("docs/limits.md has lost the comments that its table stands between");
	return page.replace(PLACE, () => `<!-- table -->\n\n${table}\n\n<!-- /table -->`);
}

const PLACE = /<!-- table -->[^]*<!-- \/table -->/;
