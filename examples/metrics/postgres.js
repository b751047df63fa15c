// Numbers out of queries of PostgreSQL. Install the client beside this file: npm install pg
//   plugins.yaml: metrics/postgres:
//                   { env: { DATABASE_URL: { file: /run/secrets/database-url } }, permissions: { net: ["db.example.com:5432"] } }

import pg from "pg";
import { Gauge } from "prom-client";

const QUERIES = {
	connections: "SELECT count(*)::int AS value FROM pg_stat_activity",
	database_bytes: "SELECT pg_database_size(current_database())::float8 AS value",
	longest_transaction_seconds:
		"SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8 AS value FROM pg_stat_activity",
};
const TIMEOUT_MS = 5000;

const up = new Gauge({ name: "postgres_up", help: "Whether the database answered" });
const gauges = Object.entries(QUERIES).map(([name, query]) => ({
	query,
	gauge: new Gauge({ name: `postgres_${name}`, help: query }),
}));

let pool;

export function start({ env }) {
	if (!env.DATABASE_URL) throw new Error("DATABASE_URL is not set: grant it in plugins.yaml");
	pool = new pg.Pool({
		connectionString: env.DATABASE_URL,
		max: 1,
		connectionTimeoutMillis: TIMEOUT_MS,
		query_timeout: TIMEOUT_MS,
	});
	// A connection that breaks while nobody uses it is no reason to crash.
	pool.on("error", () => up.set(0));
}

export async function process() {
	try {
		for (const { query, gauge } of gauges) gauge.set((await pool.query(query)).rows[0].value);
		up.set(1);
	} catch {
		up.set(0);
	}
}

export const stop = () => pool.end();
