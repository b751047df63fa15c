/**
 * The rules of `promtool check metrics` (https://prometheus.io/docs/practices/naming/), each with what to do.
 */
export interface LintProblem {
	readonly rule: string;
	readonly family: string;
	readonly message: string;
}

/** @param page text exposition, version 0.0.4 */
export function lintPage(page: string): readonly LintProblem[] {
	const families = readFamilies(page);
	return families.flatMap((family) =>
		Object.entries(RULES).flatMap(([rule, check]) => {
			const message = check(family);
			return message === undefined ? [] : [{ rule, family: family.name, message }];
		}),
	);
}

interface Family {
	readonly name: string;
	readonly type: string;
	readonly help: string;
}

function readFamilies(page: string): readonly Family[] {
	const helps = new Map<string, string>();
	const families: Family[] = [];
	for (const line of page.split("\n")) {
		const [, kind, name = "", text = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
		if (kind === "HELP") helps.set(name, text);
		if (kind === "TYPE") families.push({ name, type: text, help: helps.get(name) ?? "" });
	}
	return families;
}

const RULES: Readonly<Record<string, (family: Family) => string | undefined>> = {
	help: ({ help }) => (help.trim() === "" ? "has no help: say in a sentence what it measures" : undefined),
	"counter-total": ({ name, type }) =>
		type === "counter" && !name.endsWith("_total") ? `is a counter: name it ${name}_total` : undefined,
	"only-counters-total": ({ name, type }) =>
		type !== "counter" && type !== "untyped" && name.endsWith("_total")
			? `ends in _total and is a ${type}: make it a counter, or name it ${name.slice(0, -"_total".length)}`
			: undefined,
	"reserved-suffix": ({ name, type }) => {
		const [suffix] = /_(bucket|count|sum)$/.exec(name) ?? [];
		const isOwn = type === "histogram" || (type === "summary" && suffix !== "_bucket");
		return suffix === undefined || isOwn ? undefined : `ends in ${suffix}, as parts of histograms do: rename it`;
	},
	"type-in-name": ({ name, type }) =>
		type !== "untyped" && name.split("_").includes(type)
			? `has its type in its name: leave ${type} out, queries show it anyway`
			: undefined,
	"base-unit": ({ name }) => {
		for (const part of name.split("_")) {
			const base = BASE_UNITS[part];
			if (base !== undefined) return `is in ${part}: convert it to ${base}, and name it ${name.replace(part, base)}`;
		}
		return undefined;
	},
	"unit-abbreviated": ({ name }) => {
		const unit = name
			.replace(/_total$/, "")
			.split("_")
			.slice(1) // promlint looks at the whole name; a first word is a subject and no unit
			.find((part) => part in ABBREVIATIONS);
		return unit === undefined ? undefined : `has an abbreviated unit: write ${ABBREVIATIONS[unit]} instead of ${unit}`;
	},
	colon: ({ name }) => (name.includes(":") ? "has a colon, which is for recording rules: use _" : undefined),
	"snake-case": ({ name }) =>
		/[a-z][A-Z]/.test(name)
			? `is in camel case: name it ${name.replace(/([a-z\d])([A-Z])/g, "$1_$2").toLowerCase()}`
			: undefined,
};

const BASE_UNITS: Readonly<Record<string, string>> = {
	...units("seconds", "nanoseconds microseconds milliseconds minutes hours days weeks"),
	...units(
		"bytes",
		"bits kilobits megabits gigabits kilobytes kibibytes megabytes mebibytes gigabytes gibibytes terabytes",
	),
	...units("meters", "millimeters centimeters kilometers miles"),
	...units("grams", "milligrams kilograms"),
	...units("celsius", "kelvins kelvin fahrenheit"),
	...units("joules", "kilojoules calories"),
	...units("amperes", "milliamperes"),
	...units("volts", "millivolts kilovolts"),
	...units("ratio", "percent percentage"),
};

function units(base: string, others: string): Record<string, string> {
	return Object.fromEntries(others.split(" ").map((unit) => [unit, base]));
}

const ABBREVIATIONS: Readonly<Record<string, string>> = {
	s: "seconds",
	sec: "seconds",
	ms: "seconds",
	us: "seconds",
	ns: "seconds",
	b: "bytes",
	kb: "bytes",
	mb: "bytes",
	gb: "bytes",
	tb: "bytes",
	pb: "bytes",
	m: "meters",
	h: "seconds",
	d: "seconds",
};
