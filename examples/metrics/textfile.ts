// Metrics that scripts write to files (`*.prom`), as node-exporter's textfile collector has them; here a bad line costs itself alone.
//   plugins.yaml: metrics/textfile: { env: { TEXTFILE_DIR: /var/lib/metrics }, permissions: { read: [/var/lib/metrics] } }

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MetricRegistry, ModuleContext } from "../../workers/contract.ts";

interface Family {
	readonly name: string;
	help: string;
	type: string;
	readonly values: { labels: Record<string, string>; value: number }[];
}

let folder = "";
let families = new Map<string, Family>();

/** The host takes any object of this shape, and checks each sample that it gives. */
export const registry: MetricRegistry = { getMetricsAsJSON: () => [...families.values()] };

export function start({ env }: ModuleContext): void {
	folder = env["TEXTFILE_DIR"] ?? "";
	if (folder === "") throw new Error("TEXTFILE_DIR is not set: name the folder in plugins.yaml");
}

export async function process(): Promise<void> {
	const read = new Map<string, Family>();
	const family = (name: string): Family => {
		const known = read.get(name) ?? { name, help: "", type: "gauge", values: [] };
		read.set(name, known);
		return known;
	};
	let bad = 0;
	for (const file of (await readdir(folder)).filter((name) => name.endsWith(".prom"))) {
		for (const line of (await readFile(join(folder, file), "utf8")).split("\n")) {
			const [, word, about = "", text = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
			if (word === "HELP") family(about).help = text;
			else if (word === "TYPE" && /^(counter|gauge)$/.test(text)) family(about).type = text;
			if (line.trim() === "" || line.startsWith("#")) continue;
			const [, name = "", pairs = "", number = ""] =
				/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/.exec(line) ?? [];
			const value = number === "+Inf" ? Infinity : number === "-Inf" ? -Infinity : Number(number || "?");
			if (name === "" || (Number.isNaN(value) && number !== "NaN")) bad++;
			else family(name).values.push({ labels: labelsOf(pairs), value });
		}
	}
	family("textfile_bad_lines").values.push({ labels: {}, value: bad });
	families = read;
}

function labelsOf(pairs: string): Record<string, string> {
	const found = pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g);
	return Object.fromEntries([...found].map(([, name = "", text = ""]) => [name, text.replaceAll(/\\(.)/g, unescape)]));
}

function unescape(_: string, next: string): string {
	return next === "n" ? "\n" : next;
}
