import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { createDiscovery, type Discovery, type DiscoveryOptions } from "../../../src/host/sources/discovery.ts";
import type { ModuleListing } from "../../../src/host/sources/listing.ts";
import { createModuleProject, createTestLog, type ModuleProject, type TestLog } from "../../support/module-project.ts";
import { until } from "../../support/until.ts";

/** Events have to do: no test waits for this long. */
const NO_POLL_MS = 3_600_000;

test("missing folders are made, with a warning", async (t) => {
	const project = createModuleProject(t);
	mkdirSync(project.folders.mcps);
	const { discovery, log } = discover(t, project);
	await discovery.start();
	assert.ok(existsSync(project.folders.metrics));
	assert.deepEqual(log.lines, [`warn: ${project.folders.metrics} did not exist and was made; put modules into it`]);
});

test("modules that come, go and are renamed are noticed, in both folders and in folders of their own", async (t) => {
	const project = createModuleProject(t);
	project.write("metrics/there.ts", "");
	const { discovery, finds } = discover(t, project);
	await discovery.start();
	await finds("metrics/there.ts");
	project.write("mcps/added.ts", "");
	await finds("mcps/added.ts", "metrics/there.ts");
	renameSync(project.path("mcps/added.ts"), project.path("mcps/renamed.mjs"));
	await finds("mcps/renamed.mjs", "metrics/there.ts");
	project.write("metrics/own/index.ts", "");
	await finds("mcps/renamed.mjs", "metrics/own/index.ts", "metrics/there.ts");
	rmSync(project.path("metrics/own"), { recursive: true });
	rmSync(project.path("mcps/renamed.mjs"));
	await finds("metrics/there.ts");
});

test("a folder that is deleted and made again is still watched, and so is one whose parents were", async (t) => {
	const project = createModuleProject(t);
	const folders = { metrics: project.path("modules/all/metrics"), mcps: project.folders.mcps };
	project.write("modules/all/metrics/disk.ts", "");
	const { discovery, finds } = discover(t, project, { folders });
	await discovery.start();
	for (const deleted of ["modules/all/metrics", "modules/all", "modules"]) {
		rmSync(project.path(deleted), { recursive: true });
		await finds();
		mkdirSync(folders.metrics, { recursive: true });
		project.write("modules/all/metrics/again.ts", "");
		await finds("metrics/again.ts");
		project.write("modules/all/metrics/more.ts", "");
		await finds("metrics/again.ts", "metrics/more.ts");
	}
	renameSync(folders.metrics, project.path("modules/all/away"));
	await finds();
	renameSync(project.path("modules/all/away"), folders.metrics);
	await finds("metrics/again.ts", "metrics/more.ts");
});

test("a folder that is a file has no modules until it is a folder", async (t) => {
	const project = createModuleProject(t);
	writeFileSync(project.folders.metrics, "");
	const { discovery, finds, log } = discover(t, project);
	await discovery.start();
	assert.match(
		log.lines.join("\n"),
		/^error: .*metrics is no folder and cannot be made; it has no modules until it is there/m,
	);
	await finds();
	rmSync(project.folders.metrics);
	project.write("metrics/disk.ts", "");
	await finds("metrics/disk.ts");
});

test("a folder that is a symbolic link is followed to where it leads, and to where it leads next", async (t) => {
	const project = createModuleProject(t);
	project.write("releases/1/metrics/disk.ts", "");
	project.write("releases/2/metrics/disk.ts", "");
	project.write("releases/2/metrics/net.ts", "");
	symlinkSync("releases/1", project.path("current"));
	symlinkSync("current/metrics", project.folders.metrics);
	const { discovery, finds } = discover(t, project);
	await discovery.start();
	await finds("metrics/disk.ts");
	project.write("releases/1/metrics/more.ts", "");
	await finds("metrics/disk.ts", "metrics/more.ts");
	replaceLink(project, "releases/2", "current");
	await finds("metrics/disk.ts", "metrics/net.ts");
	project.write("releases/2/metrics/more.ts", "");
	await finds("metrics/disk.ts", "metrics/more.ts", "metrics/net.ts");
});

test("an update of a mounted ConfigMap is noticed, with files and with folders of it", async (t) => {
	const project = createModuleProject(t);
	project.write("mount/..1/disk.ts", "");
	project.write("mount/..1/mcps/adder.ts", "");
	symlinkSync("..1", project.path("mount/..data"));
	symlinkSync("..data/disk.ts", project.path("mount/disk.ts"));
	symlinkSync("..data/mcps", project.path("mount/mcps"));
	const folders = { metrics: project.path("mount"), mcps: project.path("mount/mcps") };
	const { discovery, finds } = discover(t, project, { folders });
	await discovery.start();
	await finds("mcps/adder.ts", "metrics/disk.ts");
	// As the kubelet does: a new folder, one rename, and then the names that are new and those that are gone.
	project.write("mount/..2/net.ts", "");
	project.write("mount/..2/mcps/adder.ts", "");
	project.write("mount/..2/mcps/shouter.ts", "");
	replaceLink(project, "..2", "mount/..data");
	symlinkSync("..data/net.ts", project.path("mount/net.ts"));
	rmSync(project.path("mount/disk.ts"));
	rmSync(project.path("mount/..1"), { recursive: true });
	await finds("mcps/adder.ts", "mcps/shouter.ts", "metrics/net.ts");
});

test("a link that leads in a circle, or to all there is, does no harm", async (t) => {
	const project = createModuleProject(t);
	symlinkSync("mcps", project.folders.mcps);
	mkdirSync(project.folders.metrics);
	for (let index = 0; index < 50; index++) mkdirSync(project.path(`elsewhere/${index}`), { recursive: true });
	symlinkSync(project.path("elsewhere"), project.path("metrics/elsewhere"));
	symlinkSync("/", project.path("metrics/everything"));
	symlinkSync(".", project.path("metrics/itself"));
	const { discovery, finds } = discover(t, project);
	await discovery.start();
	const found: string[] = [];
	for (const name of ["a", "b", "c"]) {
		project.write(`metrics/${name}.ts`, "");
		found.push(`metrics/${name}.ts`);
		await finds(...found);
	}
	const watches = process.getActiveResourcesInfo().filter((resource) => resource === "FSEventWrap");
	assert.ok(watches.length < 10, `it watches ${watches.length} directories`);
});

test("a stream of changes that never ends does not keep it from looking", async (t) => {
	const project = createModuleProject(t);
	const file = project.write("metrics/busy.ts", "");
	const { discovery, scans } = discover(t, project);
	await discovery.start();
	const writing = setInterval(() => writeFileSync(file, String(performance.now())), 5);
	t.after(() => clearInterval(writing));
	const before = scans.length;
	await until(() => scans.length >= before + 3, "three more scans", 5_000);
});

test("changes that no event tells of are found by polling", async (t) => {
	const project = createModuleProject(t);
	project.write("real/metrics/index/disk.ts", "");
	mkdirSync(project.folders.metrics);
	// Links inside the folder are not followed by the watch, only by the listing.
	symlinkSync(project.path("real/metrics/index"), project.path("metrics/linked"));
	const { discovery, finds } = discover(t, project, { pollMs: 20 });
	await discovery.start();
	project.write("real/metrics/index/index.ts", "");
	await finds("metrics/linked/index.ts");
});

test("stopping is idempotent, safe in any order, and final", async (t) => {
	const project = createModuleProject(t);
	const unstarted = discover(t, project);
	await unstarted.discovery.stop();
	await unstarted.discovery.start();
	assert.equal(unstarted.scans.length, 0);

	const { discovery, scans } = discover(t, project);
	await Promise.all([discovery.start(), discovery.start()]);
	await Promise.all([discovery.stop(), discovery.stop()]);
	const watched = discover(t, project);
	await watched.discovery.start();
	const before = scans.length;
	project.write("metrics/late.ts", "");
	await watched.finds("metrics/late.ts");
	assert.equal(scans.length, before);
});

function discover(t: TestContext, project: ModuleProject, options: Partial<DiscoveryOptions> = {}): Discovering {
	const scans: ModuleListing[] = [];
	const log = createTestLog();
	const discovery = createDiscovery({
		folders: project.folders,
		log,
		pollMs: NO_POLL_MS,
		onScan: async (listing) => void scans.push(listing),
		...options,
	});
	t.after(() => discovery.stop());
	return {
		discovery,
		log,
		scans,
		finds: (...files) => {
			// Said of the kind, whatever the folder is called.
			const found = () =>
				scans.at(-1)?.sources.map(({ id, root, entry }) => id.split("/")[0] + entry.slice(root.length)) ?? [];
			return until(() => JSON.stringify(found().toSorted()) === JSON.stringify(files), `it finds ${files.join(", ")}`);
		},
	};
}

interface Discovering {
	readonly discovery: Discovery;
	readonly log: TestLog;
	readonly scans: readonly ModuleListing[];
	/** Resolves when the last scan found just these entries. */
	finds(...files: string[]): Promise<void>;
}

function replaceLink(project: ModuleProject, target: string, link: string): void {
	const draft = `${dirname(project.path(link))}/..draft`;
	symlinkSync(target, draft);
	renameSync(draft, project.path(link));
}
