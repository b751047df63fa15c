/** Families as client libraries give them. Imports nothing, since modules in workers are made of it too. */

export interface RawFamily {
	readonly name: string;
	readonly help: string;
	readonly type: string;
	readonly values: readonly unknown[];
}

export function gauge(name: string, ...values: readonly unknown[]): RawFamily {
	return { name, help: "A gauge.", type: "gauge", values };
}

export function counter(name: string, ...values: readonly unknown[]): RawFamily {
	return { name, help: "A counter.", type: "counter", values };
}

export function value(amount: unknown, labels: Readonly<Record<string, unknown>> = {}): object {
	return { value: amount, labels };
}

/** A histogram's samples as the client libraries give them; what a test breaks it names. */
export function histogramValues(
	name: string,
	{
		labels = {},
		buckets = [
			[1, 1],
			["+Inf", 2],
		],
		sum = 3,
		count = 2,
	}: {
		readonly labels?: Readonly<Record<string, unknown>>;
		readonly buckets?: readonly (readonly [le: unknown, count: unknown])[];
		readonly sum?: unknown;
		readonly count?: unknown;
	} = {},
): readonly object[] {
	return [
		...buckets.map(([le, amount]) => ({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: amount })),
		{ metricName: `${name}_sum`, labels, value: sum },
		{ metricName: `${name}_count`, labels, value: count },
	];
}

export function histogram(name: string, ...values: readonly unknown[]): RawFamily {
	return { name, help: "A histogram.", type: "histogram", values: values.flat() };
}

export function summaryValues(
	name: string,
	{
		labels = {},
		quantiles = [[0.5, 1]],
		sum = 3,
		count = 2,
	}: {
		readonly labels?: Readonly<Record<string, unknown>>;
		readonly quantiles?: readonly (readonly [quantile: unknown, value: unknown])[];
		readonly sum?: unknown;
		readonly count?: unknown;
	} = {},
): readonly object[] {
	return [
		...quantiles.map(([quantile, amount]) => ({ labels: { quantile, ...labels }, value: amount })),
		{ metricName: `${name}_sum`, labels, value: sum },
		{ metricName: `${name}_count`, labels, value: count },
	];
}

export function summary(name: string, ...values: readonly unknown[]): RawFamily {
	return { name, help: "A summary.", type: "summary", values: values.flat() };
}
