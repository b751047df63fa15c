/** Writes deploy/grafana/dashboards: `npm run deploy:dashboards`. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { DASHBOARDS } from "./dashboards/dashboards.ts";
import { dashboardJson } from "./dashboards/panels.ts";

for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
	const file = path.join(import.meta.dirname, `../deploy/grafana/dashboards/${name}.json`);
	writeFileSync(file, dashboardJson(dashboard));
}
