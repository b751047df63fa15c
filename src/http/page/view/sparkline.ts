import { node, type PageNode } from "./node.ts";

const WIDTH = 72;
const HEIGHT = 20;
/** How many values a line has room for: the bound of what a page remembers of a module. */
export const SPARK_POINTS = 60;

/**
 * A line of the values, the latest at the right. Hidden from screen readers: the latest value stands beside it as text.
 *
 * @param most the value at the top; default: the largest one
 */
export function sparkline(values: readonly number[], most = Math.max(...values)): PageNode {
	const shown = values.slice(-SPARK_POINTS);
	const step = WIDTH / (SPARK_POINTS - 1);
	const points = shown.map((value, index) => {
		const x = WIDTH - (shown.length - 1 - index) * step;
		const y = HEIGHT - 1 - (most > 0 ? Math.min(1, value / most) : 0) * (HEIGHT - 2);
		return `${x.toFixed(1)},${y.toFixed(1)}`;
	});
	return node(
		"svg",
		{ class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
		node("polyline", { points: shown.length > 1 ? points.join(" ") : "" }),
	);
}
