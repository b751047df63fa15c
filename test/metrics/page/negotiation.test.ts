import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptsGzip, isNotModified, negotiateFormat } from "../../../src/metrics/page/negotiation.ts";

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const ACCEPTS: readonly (readonly [accept: string | undefined, format: string, contentType: string])[] = [
	[undefined, "text", TEXT],
	["", "text", TEXT],
	["*/*", "text", TEXT],
	["text/html,application/xhtml+xml,*/*;q=0.8", "text", TEXT],
	["application/json", "text", TEXT],
	["application/openmetrics-text", "openmetrics", OPENMETRICS],
	// Prometheus 2.42.
	[
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"openmetrics",
		OPENMETRICS,
	],
	// Prometheus 3.
	[
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		"openmetrics-utf8",
		`${OPENMETRICS}; escaping=allow-utf-8`,
	],
	[
		"text/plain;version=1.0.0;escaping=allow-utf-8",
		"text-utf8",
		"text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
	],
	["text/plain;version=1.0.0", "text", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"],
	["application/openmetrics-text;version=1.0.0;escaping=dots", "openmetrics", `${OPENMETRICS}; escaping=underscores`],
	["text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8", "text", TEXT],
	["application/openmetrics-text;q=0,text/plain;q=0.1", "text", TEXT],
	["application/openmetrics-text;q=0", "text", TEXT],
	["application/openmetrics-text;version=2.0.0,text/plain", "text", TEXT],
	['APPLICATION/OpenMetrics-Text; Version="1.0.0"; Q=1', "openmetrics", OPENMETRICS],
	["application/openmetrics-text;q=nonsense", "openmetrics", OPENMETRICS],
	[
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.3",
		"text",
		TEXT,
	],
];

for (const [accept, format, contentType] of ACCEPTS) {
	test(`Accept: ${accept}`, () => {
		assert.deepEqual(negotiateFormat(accept), { format, contentType });
	});
}

test("gzip only for whoever accepts it", () => {
	const yes = ["gzip", "GZIP", "deflate, gzip;q=0.5", "x-gzip", "*", "br;q=1, *;q=0.1"];
	const no = [undefined, "", "identity", "gzip;q=0", "gzip;q=0, *", "deflate", "*;q=0"];
	assert.deepEqual(
		yes.filter((header) => !acceptsGzip(header)),
		[],
	);
	assert.deepEqual(
		no.filter((header) => acceptsGzip(header)),
		[],
	);
});

test("If-None-Match: one, several, weak and any", () => {
	for (const header of ['"a"', '"b", "a"', 'W/"a"', "*"]) assert.ok(isNotModified(header, '"a"'), header);
	for (const header of [undefined, "", '"b"', "a"]) assert.ok(!isNotModified(header, '"a"'), `${header}`);
});
