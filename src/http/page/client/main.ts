import { connectView } from "../view/connect.ts";
import { moduleView } from "../view/module-view.ts";
import type { PageChild } from "../view/node.ts";
import { type Filter, overview } from "../view/overview.ts";
import { hostOf, modulesOf, type PageEntries } from "../view/page-data.ts";
import { signInView } from "../view/sign-in.ts";
import { followEvents } from "./events.ts";
import { createUsageHistory } from "./history.ts";
import { ask, keepToken, problemOf, readToken } from "./host.ts";
import { tailLog } from "./log-tail.ts";
import { newsOf } from "./news.ts";
import { patchChildren } from "./patch.ts";
import { loadSamples, showSamples } from "./samples.ts";
import { callTool } from "./tools.ts";

const { page, module: moduleId = "" } = document.body.dataset;
const history = createUsageHistory();
let entries: PageEntries | undefined;
/** By how much the host's clock is ahead of this one, in milliseconds. */
let clockAhead = 0;
let signIn: { readonly problem: string | undefined } | undefined;
let query = new URLSearchParams(location.search).get("q") ?? "";
let filter = (new URLSearchParams(location.search).get("filter") ?? "all") as Filter;
let end = (): void => undefined;

function render(): void {
	const main = document.getElementById("main");
	const shown = content();
	if (main !== null && shown !== undefined) patchChildren(main, shown);
	document.getElementById("sign-out")?.classList.toggle("hidden", readToken() === null);
}

function content(): readonly PageChild[] | undefined {
	if (signIn !== undefined) return signInView(signIn.problem);
	if (page === "connect") return connectView(baseUrl());
	if (entries === undefined) return undefined;
	const state = { now: Date.now() + clockAhead, history: history.of, query, filter };
	return page === "module" ? moduleView(moduleId, entries, state) : overview(entries, state);
}

function baseUrl(): string {
	const given = entries === undefined ? undefined : hostOf(entries)?.public_url;
	return given ?? new URL(document.body.dataset["root"] ?? "./", location.href).href;
}

function take(event: string, data: string): void {
	const message = JSON.parse(data) as { readonly now: number; readonly entries: Record<string, unknown> };
	clockAhead = message.now - Date.now();
	const before = entries;
	const merged = event === "snapshot" ? message.entries : { ...entries, ...message.entries };
	entries = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
	announce(before, entries);
	render();
	if (event === "snapshot" && page === "module" && modulesOf(entries).length > 0) {
		void loadSamples();
		tailLog();
	}
}

function announce(before: PageEntries | undefined, now: PageEntries): void {
	const news = document.getElementById("news");
	const text = before === undefined ? "" : newsOf(before, now);
	if (news !== null && text !== "") news.textContent = text;
}

function say(id: string, text: string): void {
	const element = document.getElementById(id);
	if (element !== null && element.textContent !== text) element.textContent = text;
}

function live(state: "live" | "lost" | ""): void {
	const element = document.getElementById("live");
	if (element !== null) element.className = `live ${state}`;
	say("live", state === "live" ? "Live" : state === "lost" ? "Reconnecting…" : "");
}

function start(): void {
	end();
	end = followEvents(page === "module" ? `api/events?module=${encodeURIComponent(moduleId)}` : "api/events", {
		onEvent: take,
		onOpen() {
			signIn = undefined;
			live("live");
		},
		onLost: () => live("lost"),
		onRefused(problem, status) {
			live("");
			if (status === 404) return void (location.hash = "");
			const isNew = readToken() === null;
			if (status === 401) keepToken(undefined);
			signIn = { problem: isNew ? undefined : problem };
			render();
			document.getElementById("token")?.focus();
		},
	});
}

async function act(action: string, id: string): Promise<void> {
	say("action-result", "…");
	const response = await ask(`api/modules/${id}/${action}`, { method: "POST" }).catch(() => undefined);
	if (response === undefined) return say("action-result", "The host cannot be reached.");
	say("action-result", response.ok ? "Done." : await problemOf(response));
}

async function copy(from: string): Promise<void> {
	const text = document.getElementById(from)?.textContent ?? "";
	await navigator.clipboard.writeText(text).then(
		() => say("copied", "Copied."),
		() => getSelection()?.selectAllChildren(document.getElementById(from) ?? document.body),
	);
}

document.addEventListener("click", (event) => {
	const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-action]") : null;
	const { action, module: id = "", from = "" } = button?.dataset ?? {};
	if (action === undefined) return;
	if (action === "load-samples") void loadSamples();
	else if (action === "copy") void copy(from);
	else if (action === "sign-out") {
		keepToken(undefined);
		location.reload();
	} else void act(action, id);
});

document.addEventListener("submit", (event) => {
	event.preventDefault();
	const form = event.target;
	if (!(form instanceof HTMLFormElement)) return;
	if (form.dataset["form"] === "tool") void callTool(form);
	if (form.dataset["form"] === "sign-in") {
		const token = document.getElementById("token");
		if (!(token instanceof HTMLInputElement) || token.value === "") return;
		keepToken(token.value.trim());
		start();
	}
});

document.addEventListener("input", ({ target }) => {
	if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
	if (target.id === "sample-query") return showSamples();
	if (target.id === "q") query = target.value;
	else if (target.id === "filter") filter = target.value as Filter;
	else return;
	render();
});

// Ages and lines go on where nothing has changed.
setInterval(() => {
	if (entries === undefined) return;
	history.record(entries);
	if (document.visibilityState === "visible") render();
}, 1000);

render();
start();
