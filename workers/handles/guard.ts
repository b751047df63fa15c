import { BRANDS, guardMethods, guardNative, type HandleRefusals, type Native } from "./checked-methods.ts";
import { NATIVE_OBJECTS, type NativeSample, symbolOf } from "./native-objects.ts";
import { guardZlib } from "./zlib.ts";
import { apply, create, defineProperty, getBuiltin } from "../primordials/primordials.ts";

/**
 * Keeps the native objects behind Node's ordinary ones (`zlib.createGzip()._handle`, what a hash has under a symbol) from
 * ending the process: called in a way that Node itself never does they abort it, with all modules in it. Every method that
 * does is replaced on the native prototype by one that looks at the arguments first. Who calls is not asked, since that
 * can be forged. The classes themselves are out of reach: nothing but Node makes native objects.
 *
 * @returns to be called with the name of each built-in before a module gets hold of it
 */
export function createHandleGuard(denials: HandleRefusals): (builtin: string) => void {
	const guarded = create(null) as Record<string, true>;
	return (builtin) => {
		const area = builtin === "dns/promises" ? "dns" : builtin;
		if (area in guarded) return;
		guarded[area] = true;
		if (area === "zlib") return guardZlib(denials);
		if (area === "perf_hooks") guardHistograms(denials);
		const samples = NATIVE_OBJECTS[area]?.(BRANDS) ?? [];
		for (let index = 0; index < samples.length; index++) {
			const { name, handle } = samples[index] as NativeSample;
			guardNative(handle, name, denials);
		}
	};
}

/** Some methods of a histogram are every object's own, and on no prototype. */
function guardHistograms(denials: HandleRefusals): void {
	const hooks = getBuiltin("node:perf_hooks") as unknown as Record<string, Native>;
	for (let index = 0; index < HISTOGRAM_MAKERS.length; index++) {
		const name = HISTOGRAM_MAKERS[index] as string;
		const make = hooks[name] as Native;
		defineProperty(hooks, name, {
			__proto__: null,
			value(...args: unknown[]) {
				const histogram = apply(make, undefined, args) as object;
				guardMethods(symbolOf(histogram, "kHandle"), "Histogram", denials);
				return histogram;
			},
			writable: true,
			enumerable: true,
			configurable: true,
		} as PropertyDescriptor);
	}
}

const HISTOGRAM_MAKERS = ["createHistogram", "monitorEventLoopDelay"];
