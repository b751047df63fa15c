import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { bulkhead } from "../support/cli.ts";
import { testSetup } from "../support/test-server.ts";

const ROOT = path.join(import.meta.dirname, "../..");

test("new writes modules that check has nothing to say of, with tests that pass, and overwrites nothing", async (t) => {
	const { folder } = await testSetup(t);
	symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
	writeFileSync(path.join(folder, "package.json"), '{"type": "module"}');
	const run = (...args: string[]) => bulkhead(args, { cwd: folder });
	const metric = await run("new", "metric", "queue-depth");
	assert.equal(metric.code, 0, metric.stderr);
	assert.match(metric.stdout, /bulkhead check metrics\/queue-depth/);
	assert.equal((await run("new", "mcp", "front-desk")).code, 0);
	for (const file of ["metrics/queue-depth", "mcps/front-desk"]) {
		const { status, stdout } = spawnSync(process.execPath, ["--test", `${file}.test.ts`], {
			cwd: folder,
			encoding: "utf8",
			env: { PATH: process.env["PATH"] }, // no NODE_TEST_CONTEXT: it is a run of its own
		});
		assert.equal(status, 0, stdout);
	}
	const check = await run("check");
	assert.equal(check.code, 0, check.stdout);
	assert.match(check.stdout, /queue_depth_last_run_timestamp_seconds \d/);
	assert.match(check.stdout, /front_desk +mcps\/front-desk +name/);

	const before = readFileSync(path.join(folder, "metrics/queue-depth.ts"), "utf8");
	const again = await run("new", "metric", "queue-depth");
	assert.deepEqual([again.code, again.stdout], [78, ""]);
	assert.match(again.stderr, /metrics\/queue-depth\.ts is there already/);
	assert.equal(readFileSync(path.join(folder, "metrics/queue-depth.ts"), "utf8"), before);
	for (const name of ["../evil", "a b", "_x", "x.test", ""]) {
		assert.equal((await run("new", "metric", name)).code, 78, name);
	}
	assert.equal((await run("new", "metrics", "x")).code, 78);
	assert.deepEqual(readdirSync(path.join(folder, "metrics")).toSorted(), ["queue-depth.test.ts", "queue-depth.ts"]);
});

test("connect writes the entry of each client, keeps what else there is and what it was, and can be run again", async (t) => {
	const { folder } = await testSetup(t);
	const home = path.join(folder, "home");
	const env = { HOME: home, BULKHEAD_TOKEN: "secret-token" };
	const run = (...args: string[]) => bulkhead(args, { cwd: folder, env });
	const url = "http://127.0.0.1:8000/mcp";
	const files = {
		"claude-code": [path.join(folder, ".mcp.json"), "mcpServers"],
		"claude-desktop": [path.join(home, ".config/Claude/claude_desktop_config.json"), "mcpServers"],
		cursor: [path.join(home, ".cursor/mcp.json"), "mcpServers"],
		vscode: [path.join(folder, ".vscode/mcp.json"), "servers"],
	} as const;
	for (const [client, [file, section]] of Object.entries(files)) {
		mkdirSync(path.dirname(file), { recursive: true });
		const before = JSON.stringify({ other: 1, [section]: { mine: { url: "http://x" } } }, null, "\t");
		writeFileSync(file, before);
		const printed = await run("connect", client, "--print");
		assert.equal(printed.code, 0, printed.stderr);
		assert.equal(readFileSync(file, "utf8"), before, "--print writes nothing");
		const written = await run("connect", client);
		assert.equal(written.code, 0, written.stderr);
		const text = readFileSync(file, "utf8");
		const now = JSON.parse(text) as Record<string, Record<string, Record<string, unknown>>>;
		assert.equal(now["other"], 1);
		assert.deepEqual(now[section]?.["mine"], { url: "http://x" });
		const entry = now[section]?.["bulkhead"] ?? {};
		if (client === "claude-desktop") {
			assert.deepEqual((entry["args"] as string[]).slice(1), ["stdio", "--url", url]);
			assert.deepEqual(entry["env"], { BULKHEAD_TOKEN: "secret-token" });
		} else {
			assert.equal(entry["url"], url);
			assert.ok(!text.includes("secret-token"), "a reference to the token, not the token");
		}
		const backups = readdirSync(path.dirname(file)).filter((name) => name.endsWith(".backup"));
		assert.equal(backups.length, 1);
		assert.equal(readFileSync(path.join(path.dirname(file), backups[0] ?? ""), "utf8"), before);
		assert.match((await run("connect", client)).stdout, /already/);
		assert.equal(readFileSync(file, "utf8"), text);
	}
	const toml = path.join(home, ".codex/config.toml");
	mkdirSync(path.dirname(toml));
	writeFileSync(
		toml,
		'# mine\nmodel = "x"\n\n[mcp_servers.bulkhead]\nurl = "http://old"\n\n[mcp_servers.other]\nurl = "http://y"\n',
	);
	assert.equal((await run("connect", "codex")).code, 0);
	assert.equal(
		readFileSync(toml, "utf8"),
		`# mine\nmodel = "x"\n\n[mcp_servers.other]\nurl = "http://y"\n\n[mcp_servers.bulkhead]\nurl = "${url}"\nbearer_token_env_var = "BULKHEAD_TOKEN"\n`,
	);
	assert.match((await run("connect", "codex")).stdout, /already/);

	const commented = '{\n  // mine\n  "servers": {}\n}\n';
	writeFileSync(path.join(folder, ".vscode/mcp.json"), commented);
	const refused = await run("connect", "vscode");
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /stays as it is: add\n\{/);
	assert.equal(readFileSync(path.join(folder, ".vscode/mcp.json"), "utf8"), commented);
	assert.equal((await run("connect", "emacs")).code, 78);
});

test("completion scripts are well formed, and complete commands and options", async (t) => {
	const { folder } = await testSetup(t);
	const script = await bulkhead(["completion", "bash"], { cwd: folder });
	assert.equal(script.code, 0);
	const complete = (words: string) =>
		spawnSync(
			"bash",
			[
				"-c",
				`${script.stdout}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _bulkhead; echo "\${COMPREPLY[@]}"`,
			],
			{
				encoding: "utf8",
			},
		).stdout.trim();
	assert.equal(complete("bulkhead mod"), "modules");
	assert.equal(complete("bulkhead connect cl"), "claude-code claude-desktop");
	assert.equal(complete("bulkhead call --rep"), "--repeat");
	for (const shell of ["zsh", "fish"]) {
		const { code, stdout } = await bulkhead(["completion", shell], { cwd: folder });
		assert.equal(code, 0);
		assert.match(stdout, /modules/);
	}
	assert.equal((await bulkhead(["completion", "csh"], { cwd: folder })).code, 78);
});
