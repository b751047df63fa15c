import type { ForwardedMethod } from "../mcp/calls/call.ts";
import type { AccessObserver, ResourceType } from "../auth/access-events.ts";
import type { Token } from "../auth/token-list.ts";
import type { HostEvent, OnHostEvent } from "../host/host-events.ts";
import { isServing, MODULE_STATES, type ModuleState } from "../host/runner/module-state.ts";
import type { RequestObserver } from "../http/front/request-metrics.ts";
import type { GatewayOptions, ObservedRequest, RequestOutcome } from "../mcp/calls/gateway.ts";
import type { SessionMessageDrop } from "../mcp/sessions/session-messages.ts";
import type { RestartCounts } from "../launch/launch-contract.ts";
import type { Catalog } from "../mcp/catalog/catalog.ts";
import type { AggregateOptions } from "../metrics/aggregate.ts";
import type { CollectReport } from "../metrics/drops/report.ts";
import { type HostMetrics, UNKNOWN_TOOL } from "../metrics/self/host-metrics.ts";

/** Turns what happens in the host into its own metrics. Everything that is counted is counted here. */
export interface Instrumentation {
	readonly module: OnHostEvent;
	readonly request: GatewayOptions["observe"];
	readonly http: RequestObserver;
	sessionMessageDropped(moduleId: string, reason: SessionMessageDrop): void;
	collected(moduleId: string, report: CollectReport, durationMs: number): void;
	/** Samples of a module that the page does not show. */
	samplesDropped(moduleId: string, reason: SampleDrop, count: number): void;
	/** What a module serves now. */
	offers(moduleId: string, counts: OfferCounts): void;
	/** No module offers these tools any more. */
	toolsGone(names: readonly string[]): void;
	nameConflict(): void;
	pageLookup(result: "hit" | "miss"): void;
	sessions(count: number): void;
	connections(change: 1 | -1): void;
	/** How often the supervisor has started the host again. */
	hostRestarts(counts: RestartCounts): void;
	readonly access: AccessObserver;
	/** Something was asked for that is hidden from who asked. */
	hidden(method: ForwardedMethod): void;
	/** The certificate that is shown to clients: when it expires, in milliseconds since the epoch. */
	certificate(expiresAt: number): void;
	/** The tokens that are in force. */
	tokens(tokens: readonly Token[]): void;
	/** Another file than the policy was read anew. */
	configReloaded(): void;
	configRefused(file: "auth_tokens" | "web_config", problems: number): void;
	policyReloaded(): void;
	policyRefused(problems: number): void;
}

type SampleDrop = Parameters<AggregateOptions["onDrop"]>[1];
type OfferCounts = ReturnType<Catalog["counts"]>;

/** What a request of MCP is for, in the words of `mcp_authz_checks_total`. */
const RESOURCE_TYPES: Readonly<Record<ForwardedMethod, ResourceType>> = {
	"tools/call": "tool",
	"prompts/get": "prompt",
	"resources/read": "resource",
	"completion/complete": "prompt",
	"tasks/get": "task",
	"tasks/update": "task",
	"tasks/cancel": "task",
};

/** Ends of a thread that the module brought about by itself. */
const CRASH_REASONS: ReadonlySet<string> = new Set(["crash", "exit", "out_of_memory"]);

export function createInstrumentation(metrics: HostMetrics): Instrumentation {
	/** Of the modules there are. One whose file is gone still has to stop, but its series are gone already. */
	const states = new Map<string, ModuleState>();

	function showState(id: string, state: ModuleState | undefined): void {
		if (state === undefined) states.delete(id);
		else states.set(id, state);
		for (const each of MODULE_STATES) {
			metrics.servers.set({ state: each }, [...states.values()].filter((other) => other === each).length);
		}
		if (state !== undefined) metrics.serverUp.set({ server_id: id }, isServing(state) ? 1 : 0);
	}

	return {
		module(id, event) {
			if (event.type === "added") showState(id, "idle");
			if (event.type === "worked") {
				metrics.taskDuration.observe({ task_type: event.work, status: event.outcome }, event.durationMs / 1000);
			} else if (states.has(id)) countModule(id, event);
		},
		request(request) {
			const startedAt = performance.now();
			const tool = toolOf(request);
			const release = tool === undefined ? undefined : metrics.activeRequests.hold({ tool_name: tool });
			return (outcome) => {
				const seconds = (performance.now() - startedAt) / 1000;
				// A tool that went while it was called has no series any more.
				const counted = release?.() === false ? UNKNOWN_TOOL : tool;
				if (counted !== undefined) countToolCall(counted, outcome, seconds);
				countRequest(request, counted ?? "", outcome, seconds);
			};
		},
		http: {
			observe({ method, endpoint, status, durationSeconds, requestBytes, responseBytes }) {
				const labels = { method, endpoint };
				metrics.httpRequests.inc({ method, endpoint, status_code: String(status) });
				metrics.httpRequestDuration.observe(labels, durationSeconds);
				metrics.httpRequestSize.observe(labels, requestBytes);
				metrics.httpResponseSize.observe(labels, responseBytes);
			},
		},
		sessionMessageDropped(moduleId, reason) {
			if (states.has(moduleId)) metrics.sessionMessagesDropped.inc({ server_id: moduleId, reason });
		},
		collected(moduleId, report, durationMs) {
			const labels = { server_id: moduleId };
			metrics.collectSuccess.set(labels, report.success ? 1 : 0);
			metrics.collectDuration.set(labels, durationMs / 1000);
			metrics.collectSeries.set(labels, report.series);
			if (report.success) metrics.collectLastSuccess.set(labels, report.at / 1000);
		},
		samplesDropped: (server_id, reason, count) => metrics.collectDropped.inc({ server_id, reason }, count),
		offers(server_id, { tools, prompts, resources, resourceTemplates }) {
			metrics.toolsByServer.set({ server_id }, tools);
			metrics.promptsByServer.set({ server_id }, prompts);
			metrics.resourcesByServer.set({ server_id }, resources + resourceTemplates);
		},
		toolsGone(names) {
			for (const name of names) metrics.removeTool(name);
		},
		nameConflict: () => metrics.toolConflicts.inc({}),
		pageLookup: (result) => metrics.cacheRequests.inc({ cache: "page", result }),
		sessions: (count) => metrics.activeSessions.set({}, count),
		connections: (change) => metrics.openConnections.inc({}, change),
		hostRestarts(counts) {
			for (const reason of ["signal", "exit"] as const) metrics.hostRestarts.inc({ reason }, counts[reason]);
		},
		access: {
			authenticated: (method) => metrics.authAttempts.inc({ method, status: "success" }),
			notAuthenticated(method, reason) {
				metrics.authAttempts.inc({ method, status: "failure" });
				metrics.authFailures.inc({ method, reason });
			},
			authorized: (resource_type) => metrics.authzChecks.inc({ resource_type, status: "allowed" }),
			denied(resource_type, reason) {
				metrics.authzChecks.inc({ resource_type, status: "denied" });
				metrics.authzDenials.inc({ resource_type, reason });
			},
			limited: (scope) => metrics.rateLimitExceeded.inc({ scope }),
		},
		hidden(method) {
			const resource_type = RESOURCE_TYPES[method];
			metrics.authzChecks.inc({ resource_type, status: "denied" });
			metrics.authzDenials.inc({ resource_type, reason: "hidden" });
		},
		certificate: (expiresAt) => metrics.certificateExpiry.set({}, expiresAt / 1000),
		tokens(tokens) {
			// Of several with one name, which rotate, the one that goes last.
			const expiries = new Map<string, number>();
			for (const { principal, expiresAt } of tokens) {
				expiries.set(principal.name, Math.max(expiresAt, expiries.get(principal.name) ?? 0));
			}
			const finite = [...expiries].filter(([, at]) => Number.isFinite(at));
			metrics.tokenExpiry.replace(finite.map(([token_name, at]) => [{ token_name }, at / 1000] as const));
		},
		configReloaded: () => metrics.configReloads.inc({ status: "success" }),
		configRefused(error_type, problems) {
			metrics.configReloads.inc({ status: "failure" });
			metrics.configValidationErrors.inc({ error_type }, problems);
		},
		policyReloaded: () => metrics.configReloads.inc({ status: "success" }),
		policyRefused(problems) {
			metrics.configReloads.inc({ status: "failure" });
			metrics.configValidationErrors.inc({ error_type: "plugin_policy" }, problems);
		},
	};

	/** Of one that is there: what has no metric is not counted. */
	function countModule(id: string, event: HostEvent): void {
		const labels = { server_id: id };
		switch (event.type) {
			case "removed":
				showState(id, undefined);
				return metrics.removeModule(id);
			case "entered":
				return showState(id, event.state);
			case "startTried":
				metrics.serverStarts.inc({ ...labels, status: event.outcome });
				if (event.outcome === "success") metrics.serverStartDuration.set(labels, event.durationMs / 1000);
				return;
			case "stopped":
				return metrics.serverStops.inc({ ...labels, status: event.outcome });
			case "abandoned":
				return metrics.threadsAbandoned.inc(labels);
			case "isolated":
				for (const level of ["thread", "process"]) {
					metrics.serverIsolation.set({ ...labels, level }, level === event.isolation ? 1 : 0);
				}
				return;
			case "restarted":
				metrics.serverRestarts.inc({ ...labels, reason: event.reason });
				if (CRASH_REASONS.has(event.reason)) metrics.serverCrashes.inc(labels);
				return;
			default:
		}
	}

	function countToolCall(tool: string, outcome: RequestOutcome, seconds: number): void {
		const { bytes, requestBytes } = outcome;
		metrics.toolCalls.inc({ tool_name: tool, status: outcome.status });
		metrics.toolDuration.observe({ tool_name: tool }, seconds);
		if (outcome.status === "error") metrics.toolErrors.inc({ tool_name: tool, error_type: outcome.errorType });
		if (requestBytes !== undefined) metrics.requestSize.observe({ tool_name: tool }, requestBytes);
		if (bytes !== undefined) metrics.responseSize.observe({ tool_name: tool }, bytes);
	}

	function countRequest({ method }: ObservedRequest, tool: string, outcome: RequestOutcome, seconds: number): void {
		metrics.requests.inc({ tool, operation: method, status: outcome.status });
		metrics.requestDuration.observe({ tool, operation: method }, seconds);
		if (outcome.status === "error")
			metrics.requestErrors.inc({ tool, operation: method, error_type: outcome.errorType });
		if (method === "resources/read") {
			metrics.resourceReads.inc({ status: outcome.status });
			metrics.resourceReadDuration.observe({}, seconds);
		}
	}
}

/** The value of the label: a registered name, or one word for all that are not. */
function toolOf({ method, name }: ObservedRequest): string | undefined {
	return method === "tools/call" ? (name ?? UNKNOWN_TOOL) : undefined;
}
