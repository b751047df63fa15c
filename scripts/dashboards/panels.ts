/** What the three dashboards are made of: a panel is a title, a form and queries, and becomes what Grafana reads. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
	AnnotationQueryBuilder,
	DashboardBuilder,
	DashboardLinkBuilder,
	DashboardLinkType,
	DatasourceVariableBuilder,
	type Panel,
	PanelBuilder,
	QueryVariableBuilder,
	RowBuilder,
	ThresholdsConfigBuilder,
	ThresholdsMode,
	VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as PieBuilder } from "@grafana/grafana-foundation-sdk/piechart";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

export interface PanelSpec {
	readonly title: string;
	readonly form: "graph" | "stat" | "table" | "pie" | "alerts";
	/** Query and legend; several lines of one graph are several pairs. */
	readonly queries: readonly (readonly [expr: string, legend?: string])[];
	/** Width of 24 and height in Grafana's grid. */
	readonly size: readonly [width: number, height: number];
	/** Grafana's name of the unit. */
	readonly unit?: string;
	/** Where green becomes yellow, and yellow red. */
	readonly thresholds?: readonly [yellow: number, red: number];
	readonly description?: string;
}

export interface DashboardSpec {
	readonly uid: string;
	readonly title: string;
	readonly tags: readonly string[];
	/** Name, label and query of each variable beside the data source. */
	readonly variables: readonly (readonly [name: string, label: string, query: string])[];
	readonly rows: readonly (readonly [title: string, panels: readonly PanelSpec[]])[];
}

const SOURCE = { type: "prometheus", uid: "${datasource}" };
const TAG = "mcp";

/** @returns the JSON that Grafana imports, or reads from its provisioning folder */
export function dashboardJson({ uid, title, tags, variables, rows }: DashboardSpec): string {
	const dashboard = new DashboardBuilder(title)
		.uid(uid)
		.tags([...tags])
		.refresh("10s")
		.time({ from: "now-1h", to: "now" })
		.timezone("browser")
		.withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
		.link(
			new DashboardLinkBuilder("Bulkhead")
				.type(DashboardLinkType.Dashboards)
				.tags([TAG])
				.keepTime(true)
				.includeVars(true),
		)
		.annotation(
			restarts(
				"Restarts",
				"red",
				'sum by (server_id, reason) (changes(mcp_server_restarts_total{reason!~"reload|manual|policy"}[1m])) > 0',
			),
		)
		.annotation(
			restarts(
				"Reloads",
				"blue",
				'sum by (server_id, reason) (changes(mcp_server_restarts_total{reason=~"reload|manual|policy"}[1m])) > 0',
			),
		);
	for (const [name, label, query] of variables) {
		dashboard.withVariable(
			new QueryVariableBuilder(name)
				.label(label)
				.datasource(SOURCE)
				.query(query)
				.refresh(VariableRefresh.OnTimeRangeChanged)
				.includeAll(true)
				.allValue(".*")
				.multi(true),
		);
	}
	for (const [row, panels] of rows) {
		dashboard.withRow(new RowBuilder(row));
		for (const panel of panels) dashboard.withPanel(panelOf(panel));
	}
	return `${JSON.stringify(dashboard.build(), undefined, "\t")}\n`;
}

/** All queries of a dashboard, its variables filled with "everything", as Prometheus takes them. */
export function queriesOf({ rows }: DashboardSpec): readonly string[] {
	return rows
		.flatMap(([, panels]) => panels)
		.flatMap(({ queries }) => queries.map(([expr]) => expr.replaceAll(/\$\{?(instance|module|tool)\}?/g, ".*")));
}

function panelOf({ title, form, queries, size, unit, thresholds, description }: PanelSpec): Builder<Panel> {
	const [width, height] = size;
	if (form === "alerts") {
		return new PanelBuilder()
			.type("alertlist")
			.title(title)
			.span(width)
			.height(height)
			.options({
				alertName: "",
				dashboardAlerts: false,
				groupMode: "default",
				maxItems: 20,
				sortOrder: 1,
				stateFilter: { firing: true, pending: true },
			});
	}
	const panel = { graph: GraphBuilder, stat: StatBuilder, table: TableBuilder, pie: PieBuilder }[form];
	const made = new panel().title(title).span(width).height(height).datasource(SOURCE);
	if (unit !== undefined) made.unit(unit);
	if (description !== undefined) made.description(description);
	if (thresholds !== undefined) {
		const [yellow, red] = thresholds;
		const steps = [
			{ value: 0, color: "green" },
			{ value: yellow, color: "yellow" },
			{ value: red, color: "red" },
		];
		made.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps));
	}
	for (const [expr, legend] of queries) {
		const query = new DataqueryBuilder().expr(expr).datasource(SOURCE);
		if (legend !== undefined) query.legendFormat(legend);
		if (form === "table") query.format(PromQueryFormat.Table).instant();
		if (expr.includes("_bucket")) query.exemplar(true);
		made.withTarget(query);
	}
	return made;
}

function restarts(name: string, color: string, expr: string): AnnotationQueryBuilder {
	return new AnnotationQueryBuilder()
		.name(name)
		.datasource(SOURCE)
		.enable(true)
		.iconColor(color)
		.expr(expr)
		.titleFormat("{{server_id}}")
		.textFormat("{{reason}}");
}
