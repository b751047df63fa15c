import dns from "node:dns";
import { isIP as isAddress } from "node:net";
import type { NetworkRule, Refusals } from "./network-rule.ts";
import {
	apply,
	defineProperty,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	isArray,
	NativePromise,
	nextTick,
	ownKeys,
	uncurry,
} from "../primordials/primordials.ts";

/**
 * Lets a module resolve the names of hosts that it may reach, and no others: a question to a name server carries whatever
 * the name says. What the system's resolver answers is remembered, and opens those addresses to the module.
 *
 * The answers of `dns.resolve` are not: its requests are in the module's hands, and it could answer them itself. Every
 * client resolves with `lookup` unless it is told otherwise.
 */
export function guardNames(denials: Refusals, rule: NetworkRule): void {
	const refusal = (name: string): Error | undefined =>
		isAddress(name) !== 0 || (isPlainName(name) && rule.mayResolve(name))
			? undefined
			: denials.error(`resolve ${name}`, rule.net === "none" ? "net" : "netList", `${name}:PORT`);
	guardLookup(refusal, rule);
	guardPromisedLookup();
	guardService(denials, rule);

	const channel = getPrototypeOf((new dns.Resolver() as unknown as { readonly _handle: object })._handle) as object;
	const keys = ownKeys(channel);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key !== "string" || !(key.startsWith("query") || key === "getHostByAddr")) continue;
		const original = getOwnPropertyDescriptor(channel, key)?.value as AnyFunction;
		fix(channel, key, function ask(this: unknown, request: unknown, name: unknown) {
			const refused = typeof name === "string" ? refusal(name) : undefined;
			if (refused !== undefined) throw refused;
			return apply(original, this, [request, name]);
		});
	}
	fix(channel, "setServers", denials.stub("dns.setServers", "net"));
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Refusal = (name: string) => Error | undefined;

function guardLookup(refusal: Refusal, rule: NetworkRule): void {
	const original = dns.lookup as unknown as AnyFunction;
	replace(dns, "lookup", original, (...args) => {
		const [name] = args;
		const callback = args[args.length - 1];
		if (typeof name !== "string" || typeof callback !== "function") return apply(original, dns, args);
		const refused = refusal(name);
		if (refused !== undefined) {
			nextTick(callback as AnyFunction, refused);
			return {};
		}
		args[args.length - 1] = (error: unknown, found: unknown, family: unknown) => {
			if (isAddress(name) === 0) learn(rule, name, found);
			return apply(callback as AnyFunction, undefined, [error, found, family]);
		};
		apply(original, dns, args);
		return {}; // Node returns its request, which a module could answer itself
	});
}

/** Over the other one: what Node's own promise resolves to goes through code that a module may change. */
function guardPromisedLookup(): void {
	const lookup = dns.lookup as unknown as AnyFunction;
	replace(
		dns.promises,
		"lookup",
		dns.promises.lookup,
		(name, options = {}) =>
			new NativePromise((resolve, reject) => {
				const settle = (error: unknown, found: unknown, family: unknown): void => {
					if (error !== null && error !== undefined) reject(error);
					else resolve(isArray(found) ? found : { address: found, family });
				};
				apply(lookup, dns, [name, options, settle]);
			}),
	);
}

interface Found {
	readonly address: unknown;
}

/** By these the native code is reached. What was there is out of reach from then on, whatever a module puts in its place. */
function fix(object: object, name: string, value: unknown): void {
	defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

function learn(rule: NetworkRule, name: string, found: unknown): void {
	if (typeof found === "string") return rule.learn(name, found);
	if (!isArray(found)) return;
	for (let index = 0; index < found.length; index++) {
		const { address } = found[index] as Found;
		if (typeof address === "string") rule.learn(name, address);
	}
}

/** The name of an address asks a name server about it. */
function guardService(denials: Refusals, rule: NetworkRule): void {
	const refusal = (args: readonly unknown[]): Error | undefined => {
		const [address, port] = args;
		if (typeof address !== "string" || rule.mayConnect(address, Number(port))) return undefined;
		return denials.error(
			`look up the service ${address}:${Number(port)}`,
			rule.net === "none" ? "net" : "netList",
			`${address}:${Number(port)}`,
		);
	};
	for (const object of [dns, dns.promises]) {
		const original = object.lookupService as unknown as AnyFunction;
		replace(object, "lookupService", original, (...args) => {
			const refused = refusal(args);
			if (refused !== undefined) throw refused;
			return apply(original, object, args);
		});
	}
}

/** With what `promisify` goes by. A module may put its own in this place: an address is judged when it is used. */
function replace(object: object, name: string, original: object, value: AnyFunction): void {
	const keys = ownKeys(original);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index] as string;
		const descriptor = getOwnPropertyDescriptor(original, key);
		if (key !== "prototype" && descriptor !== undefined) defineProperty(value, key, descriptor);
	}
	defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

const codeAt = uncurry<string, [number], number>(String.prototype.charCodeAt);

/** Letters, digits, dots, hyphens and underscores: what Node or the system would turn into another name is not asked. */
function isPlainName(name: string): boolean {
	for (let index = 0; index < name.length; index++) {
		const code = codeAt(name, index) | 0x20; // lower case; '-' stays, '.' stays
		const isLetter = code >= 0x61 && code <= 0x7a;
		const raw = codeAt(name, index);
		const isOther = (raw >= 0x30 && raw <= 0x39) || raw === 0x2d || raw === 0x2e || raw === 0x5f;
		if (!isLetter && !isOther) return false;
	}
	return name.length > 0;
}
