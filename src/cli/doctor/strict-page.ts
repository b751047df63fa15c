/**
 * The first thing in a text exposition, version 0.0.4, that a strict parser refuses; undefined when there is none
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function pageProblem(page: string): string | undefined {
	if (page !== "" && !page.endsWith("\n")) return "the last line has no newline at its end";
	const typed = new Set<string>();
	const series = new Set<string>();
	const over = new Set<string>();
	let family = "";
	for (const [index, line] of page.split("\n").entries()) {
		const at = `line ${index + 1}: ${line.slice(0, 120)}`;
		if (line === "" || /^#(?! (HELP|TYPE) )/.test(line)) continue;
		const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*)(?: (.*))?$/.exec(line);
		if (line.startsWith("#")) {
			const [, kind, name = "", text = ""] = comment ?? [];
			if (kind === undefined) return `${at} is no HELP or TYPE`;
			if (kind === "TYPE" && !/^(counter|gauge|histogram|summary|untyped)$/.test(text))
				return `${at} has no known type`;
			if (kind === "TYPE" && typed.has(name)) return `${at} is a second TYPE`;
			if (kind === "TYPE") typed.add(name);
			if (name !== family && over.has(name)) return `${at}: the family is in two places`;
			if (family !== "" && name !== family) over.add(family);
			family = name;
			continue;
		}
		const sample = SAMPLE.exec(line);
		if (sample === null) return `${at} is no sample`;
		const key = `${sample[1]}${sample[2] ?? ""}`;
		if (series.has(key)) return `${at} is there twice`;
		series.add(key);
	}
	return undefined;
}

const LABEL = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const VALUE = "(?:[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|[+-]?Inf|NaN)";
const SAMPLE = new RegExp(`^([a-zA-Z_:][\\w:]*)(\\{(?:${LABEL}(?:,${LABEL})*,?)?\\})? ${VALUE}(?: -?\\d+)?$`);
