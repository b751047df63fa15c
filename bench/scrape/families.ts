/** The series of the benchmark, the same on both sides: what an exporter of an HTTP service shows. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Fills a registry with so many series (lines on the page), and returns what changes a tenth of them. */
export function fillRegistry(registry: Registry, prefix: string, series: number): () => void {
	const registers = [registry];
	const labelNames = ["method", "route", "status"];
	const requests = new Counter({ name: `${prefix}_requests_total`, help: "Requests.", labelNames, registers });
	const inFlight = new Gauge({ name: `${prefix}_in_flight`, help: "Requests in flight.", labelNames, registers });
	const seconds = new Histogram({
		name: `${prefix}_request_seconds`,
		help: "Time.",
		labelNames,
		buckets: BUCKETS,
		registers,
	});
	const lines = BUCKETS.length + 3 + 2;
	const sets = Math.max(1, Math.round(series / lines));
	let turn = 0;
	for (let index = 0; index < sets; index++) touch(index);
	return () => {
		turn++;
		for (let index = turn % 10; index < sets; index += 10) touch(index);
	};

	function touch(index: number): void {
		const labels = labelsOf(index);
		requests.inc(labels);
		inFlight.set(labels, (index * 7 + turn) % 13);
		seconds.observe(labels, ((index + turn) % 50) / 10);
	}
}

function labelsOf(index: number): { method: string; route: string; status: string } {
	return { method: METHODS[index % 4] ?? "GET", route: `/api/v1/things/${index >> 2}`, status: "200" };
}

const METHODS = ["GET", "POST", "PUT", "DELETE"];
const BUCKETS = [0.01, 0.1, 0.5, 1, 5];
