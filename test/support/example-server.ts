/** A server that runs one example as its first lines say: with those grants, and no others. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { type TestServer, startTestServer } from "./test-server.ts";
import { until } from "./until.ts";

const EXAMPLES = path.join(import.meta.dirname, "../../examples");

export interface ExampleOptions {
	/** `metrics/disk.ts`, or `mcps/kubernetes` for one that is a folder. */
	readonly file: string;
	/** Variables that it is granted. */
	readonly env?: Readonly<Record<string, string>>;
	/** Its entry in plugins.yaml beside `env`, as YAML flow: `permissions: { read: [/proc] }`. */
	readonly policy?: string;
	/** Settings of the host. */
	readonly host?: Readonly<Record<string, string>>;
}

export async function startExample(
	t: TestContext,
	{ file, env = {}, policy, host = {} }: ExampleOptions,
): Promise<TestServer> {
	const id = file.replace(/\.\w+$/, "");
	const grants = [`env: [${Object.keys(env).join(", ")}]`, ...(policy === undefined ? [] : [policy])].join(", ");
	const server = await startTestServer(t, {
		files: {
			...sourcesOf(file),
			"plugins.yaml": `modules:\n  ${id}: { ${grants} }\n`,
		},
		env: { COLLECT_INTERVAL_MS: "300", ...host, ...env },
	});
	return server;
}

function sourcesOf(file: string): Record<string, string> {
	const place = path.join(EXAMPLES, file);
	const files = statSync(place).isDirectory() ? readdirSync(place).map((name) => path.posix.join(file, name)) : [file];
	return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(EXAMPLES, name), "utf8")]));
}

/** Waits until a series is on the page with a value that fits, and returns the page. */
export async function pageWith(server: TestServer, series: string, fits: (value: number) => boolean): Promise<string> {
	let page = "";
	await until(
		async () => {
			page = await server.metrics();
			const line = page.split("\n").find((each) => each.startsWith(`${series} `));
			return line !== undefined && fits(Number(line.slice(series.length + 1)));
		},
		() =>
			`${series} on the page; of it there is:\n${page
				.split("\n")
				.filter((line) => line.startsWith(series.replace(/\{.*/, "")))
				.join("\n")}\n${server.logged.join("\n")}`,
	);
	return page;
}
