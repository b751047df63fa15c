import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import {
	type CompiledModule,
	type Compiler,
	type CompilerOptions,
	createCompiler,
} from "../../src/host/compile/compiler.ts";
import type { CompileProblem } from "../../src/host/bundle/compile-problem.ts";
import type { ModuleId } from "../../src/core/module-id.ts";
import type { SourceLog } from "../../src/logging/source-log.ts";

/** A folder of somebody who writes modules: outside of this repository, as theirs is. */
export interface ModuleProject {
	readonly dir: string;
	readonly folders: { readonly metrics: string; readonly mcps: string };
	readonly stateDir: string;
	/** Absolute path of something in it. */
	path(name: string): string;
	/** Writes a file and makes its folders. */
	write(name: string, text: string): string;
	/** Puts a package into the `node_modules` of `folder`. */
	addPackage(name: string, files: Readonly<Record<string, string>>, folder?: string): void;
}

/** Deleted when the test ends. */
export function createModuleProject(t: TestContext): ModuleProject {
	const dir = realpathSync(mkdtempSync(join(tmpdir(), "bulkhead-test-")));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const path = (name: string) => join(dir, name);
	const write = (name: string, text: string) => {
		mkdirSync(dirname(path(name)), { recursive: true });
		writeFileSync(path(name), text);
		return path(name);
	};
	return {
		dir,
		folders: { metrics: path("metrics"), mcps: path("mcps") },
		stateDir: path("state"),
		path,
		write,
		addPackage(name, files, folder = ".") {
			const base = join(folder, "node_modules", name);
			write(join(base, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
			for (const [file, text] of Object.entries(files)) write(join(base, file), text);
		},
	};
}

export interface TestCompiler extends Compiler {
	/** Compiles a file of `metrics/`; its id is made of its name. @throws when it does not compile */
	ok(file: string): Promise<CompiledModule>;
	/** The problems of a file of `metrics/` that does not compile. @throws when it does */
	problems(file: string): Promise<readonly CompileProblem[]>;
}

/** Stopped when the test ends. */
export function createTestCompiler(
	t: TestContext,
	project: ModuleProject,
	options: Partial<CompilerOptions> = {},
): TestCompiler {
	const compiler = createCompiler({ stateDir: project.stateDir, log: createTestLog(), ...options });
	t.after(() => compiler.stop());
	const compile = (file: string) =>
		compiler.compile({ id: idOf(file), entry: join(project.folders.metrics, file), root: project.folders.metrics });
	return {
		...compiler,
		async ok(file) {
			const result = await compile(file);
			if (!result.ok) throw new Error(`${file} does not compile: ${JSON.stringify(result.problems, null, 1)}`);
			return result;
		},
		async problems(file) {
			const result = await compile(file);
			if (result.ok) throw new Error(`${file} compiles`);
			return result.problems;
		},
	};
}

export interface TestLog extends SourceLog {
	/** Each as `level: message`. */
	readonly lines: readonly string[];
}

export function createTestLog(): TestLog {
	const lines: string[] = [];
	const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
	return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What the modules of these tests export, none of them all of it. */
export interface FixtureExports {
	readonly seen: Readonly<Record<string, unknown>>;
	readonly process: () => void;
	readonly answers: unknown;
	readonly register: unknown;
	readonly value: unknown;
	readonly data: unknown;
	readonly places: unknown;
	readonly McpServer: unknown;
	readonly z: unknown;
	readonly sdk: { readonly McpServer: unknown };
}

/** The exports of a bundle, as a worker sees them: those of CommonJS are its default. */
export async function load(bundlePath: string): Promise<FixtureExports> {
	const namespace = (await import(pathToFileURL(bundlePath).href)) as { readonly default: FixtureExports };
	return bundlePath.endsWith(".cjs") ? namespace.default : (namespace as unknown as FixtureExports);
}

function idOf(file: string): ModuleId {
	return `metrics/${file.replace(/\/.*|\.\w+$/, "")}`;
}
