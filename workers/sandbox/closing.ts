import process from "node:process";
import { type Denials, lockValue } from "./denial.ts";
import type { Remedy } from "./policy.ts";
import { getOwnPropertyDescriptor, type Names, ownKeys } from "../primordials/primordials.ts";

/** The object that `require` gives, whose properties an `import` of the built-in shows after a sync. */
export function loadBuiltin(name: string): object {
	return getBuiltin(`node:${name}`) as object;
}

// As it is before the lock: by this way no hook is asked.
const getBuiltin = process.getBuiltinModule as (id: string) => unknown;

/** Leaves of an object's functions and classes only those that are named; each other refuses when it is called. */
export function closeAllBut(
	object: object,
	label: string,
	open: Names,
	denials: Denials,
	remedy: Remedy = "never",
): void {
	const keys = ownKeys(object);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key !== "string" || key in open) continue;
		const descriptor = getOwnPropertyDescriptor(object, key);
		if (descriptor === undefined || !descriptor.configurable) continue;
		const value = valueOf(object, key, descriptor);
		if ("value" in descriptor && isData(value)) continue;
		lockValue(object, key, closedTwin(value, `${label}.${key}`, denials, remedy));
	}
}

/** What a module gets in the place of a value: every function in it refuses, what is data stays as it is. */
export function closedTwin(value: unknown, label: string, denials: Denials, remedy: Remedy, depth = 0): unknown {
	if (typeof value !== "function" && isData(value)) return value;
	const twin: object = typeof value === "function" ? denials.stub(label, remedy, value) : {};
	if (depth === MAX_DEPTH) return twin;
	const keys = ownKeys(value as object);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key !== "string" || key in OF_EVERY_FUNCTION) continue;
		const descriptor = getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
		const inner = valueOf(value as object, key, descriptor);
		lockValue(twin, key, closedTwin(inner, `${label}.${key}`, denials, remedy, depth + 1));
	}
	return twin;
}

/** Objects in objects: `inspector.Network`, `test.mock.timers`. */
const MAX_DEPTH = 2;
const OF_EVERY_FUNCTION = { __proto__: null, length: true, name: true, prototype: true, arguments: true, caller: true };

function valueOf(object: object, key: string, descriptor: PropertyDescriptor): unknown {
	if ("value" in descriptor) return descriptor.value;
	try {
		return (object as Record<string, unknown>)[key];
	} catch {
		return undefined; // what this thread does not have, as `trace_events`
	}
}

/** Neither a function nor an object with more in it than data. Node counts in some of it (`process._eventsCount`). */
function isData(value: unknown): boolean {
	if (typeof value === "function") return false;
	if (typeof value !== "object" || value === null) return true;
	const keys = ownKeys(value);
	for (let index = 0; index < keys.length; index++) {
		const descriptor = getOwnPropertyDescriptor(value, keys[index] as PropertyKey);
		const inner: unknown = descriptor?.value;
		if (descriptor === undefined || !("value" in descriptor)) return false;
		if (typeof inner === "function" || (typeof inner === "object" && inner !== null)) return false;
	}
	return true;
}
