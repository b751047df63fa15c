import process from "node:process";
import { brandOf, type Kind } from "./argument-kinds.ts";
import {
	apply,
	construct,
	create,
	defineProperty,
	deleteProperty,
	getBuiltin,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	NativeProxy,
	ownKeys,
} from "../primordials/primordials.ts";

/** One object of a native class, by which its prototypes are found. */
export interface NativeSample {
	/** By which `native-methods.ts` has the class. */
	readonly name: string;
	readonly handle: object;
}

/** Kinds of argument that are objects of a native class. */
export type Brands = Record<string, Kind>;

/**
 * Makes one native object of each class that a built-in hands out; without an entry it hands out none. It runs before a
 * module first gets hold of the built-in, but perhaps after the module has changed every prototype there is.
 */
export const NATIVE_OBJECTS: Readonly<Record<string, (brands: Brands) => readonly NativeSample[]>> = {
	__proto__: null as never,
	buffer: () => [sample("Blob", symbolOf(new NativeBlob(["x"]), "kHandle"))],
	crypto: cryptoObjects,
	dgram() {
		const socket = getBuiltin("node:dgram").createSocket("udp4");
		const { handle } = symbolOf(socket, "state symbol") as { readonly handle: object };
		return [sample("UDP", handle)];
	},
	net(brands) {
		const { BlockList, SocketAddress } = getBuiltin("node:net");
		const address = symbolOf(new SocketAddress({}), "kHandle");
		brands["SocketAddress"] = brandOf(address, "flowlabel");
		return [sample("BlockList", symbolOf(new BlockList(), "kHandle")), sample("SocketAddress", address)];
	},
	perf_hooks(brands) {
		const { createHistogram, monitorEventLoopDelay } = getBuiltin("node:perf_hooks");
		const histogram = symbolOf(createHistogram(), "kHandle");
		const ofLoop = symbolOf(monitorEventLoopDelay(), "kHandle");
		const isRecorded = brandOf(histogram, "countBigInt");
		const isOfLoop = brandOf(ofLoop, "countBigInt");
		brands["Histogram"] = (value) => isRecorded(value) || isOfLoop(value);
		return [sample("Histogram", histogram), sample("Histogram", ofLoop)];
	},
};

const NativeBlob = Blob;

function sample(name: string, handle: object): NativeSample {
	return { name, handle };
}

/** What an object of Node's keeps under a symbol of this description, itself or by a class of its own. */
export function symbolOf(object: object, description: string): object {
	for (let each: object | null = object; each !== null; each = getPrototypeOf(each) as object | null) {
		const keys = ownKeys(each);
		for (let index = 0; index < keys.length; index++) {
			const key = keys[index] as PropertyKey;
			if (typeof key !== "symbol" || key.description !== description) continue;
			const value: unknown = getOwnPropertyDescriptor(each, key)?.value;
			if (typeof value === "object" && value !== null) return value;
		}
	}
	throw new Error(MISSING);
}

const MISSING = "this version of Node has no native object where the sandbox looks for it";

function cryptoObjects(brands: Brands): readonly NativeSample[] {
	const crypto = getBuiltin("node:crypto") as unknown as Record<string, Class>;
	const named = (name: string, ...args: unknown[]): NativeSample => sample(name, handleOf(crypto[name] as Class, args));
	const restore = silenceDeprecations();
	const hmac = named("Hmac", "sha256", TEXT);
	const hash = named("Hash", "sha256");
	restore();
	const key = keyHandle(hmac.handle);
	const isKey = brandOf(key, "getKeyType" in key ? "getKeyType" : "getAsymmetricKeyType");
	brands["KeyObjectHandle"] = isKey;
	brands["PrivateKey"] = (value) => isKey(value) && typeOf(key, value) === 2;
	brands["AsymmetricKey"] = (value) => isKey(value) && typeOf(key, value) !== 0;
	return [
		sample("Key", key),
		hmac,
		hash,
		sample("Cipher", handleOf(crypto["Cipheriv"] as Class, ["aes-128-ctr", TEXT, TEXT])),
		named("Sign", "sha256"),
		named("Verify", "sha256"),
		named("ECDH", "prime256v1"),
		named("DiffieHellman", "17", "hex"),
		named("DiffieHellmanGroup", "modp14"),
	];
}

type Class = (new (...args: unknown[]) => object) & { readonly prototype: object };

/** 0 for a secret key, 1 for a public and 2 for a private one. */
function typeOf(key: object, value: unknown): unknown {
	return apply(getOwnPropertyDescriptor(getPrototypeOf(key), "getKeyType")?.value as () => unknown, value, []);
}

/** Some constructors are deprecated where it is not Node that calls them. */
function silenceDeprecations(): () => void {
	const before = getOwnPropertyDescriptor(process, "noDeprecation");
	defineProperty(process, "noDeprecation", { __proto__: null, value: true, configurable: true } as PropertyDescriptor);
	return () => {
		if (before === undefined) deleteProperty(process, "noDeprecation");
		else defineProperty(process, "noDeprecation", before);
	};
}

/** As long as a key of AES. */
const TEXT = "sixteen letters.";

/**
 * The native object that a class of Node's keeps under a symbol. Its constructor is left the moment that it has one: what
 * it calls afterwards a module may have replaced, and would be handed the object before it is guarded.
 */
function handleOf(owner: Class, args: readonly unknown[]): object {
	let found: object | undefined;
	const bait = new NativeProxy(owner.prototype, {
		__proto__: null,
		getPrototypeOf: () => owner.prototype,
		set(_target: object, key: PropertyKey, value: unknown, receiver: object) {
			if (typeof key === "symbol" && isNative(value)) {
				found = value;
				throw value;
			}
			const descriptor = { __proto__: null, value, writable: true, configurable: true };
			return defineProperty(receiver, key, descriptor as PropertyDescriptor) !== undefined;
		},
	} as ProxyHandler<object>);
	Heir.prototype = bait;
	try {
		construct(owner, args as unknown[], Heir);
	} catch (thrown) {
		if (found === undefined || thrown !== found) throw thrown;
	}
	if (found === undefined) throw new Error(MISSING);
	return found;
}

function Heir(): void {
	// Only says what an object inherits.
}

function isNative(value: unknown): value is object {
	if (typeof value !== "object" || value === null) return false;
	const prototype = getPrototypeOf(value) as object | null;
	return prototype !== null && prototype !== Object.prototype;
}

/** The native object of a key is seen on its way to other native code alone. */
function keyHandle(hmac: object): object {
	const { createHmac, createSecretKey } = getBuiltin("node:crypto");
	const prototype = getPrototypeOf(hmac) as object;
	const init = getOwnPropertyDescriptor(prototype, "init") as PropertyDescriptor;
	const seen = create(null) as { key?: object };
	defineProperty(prototype, "init", {
		__proto__: null,
		value(_name: string, key: object) {
			seen.key = key;
		},
		configurable: true,
	} as PropertyDescriptor);
	createHmac("sha256", createSecretKey(TEXT, "latin1"));
	defineProperty(prototype, "init", init);
	if (seen.key === undefined) throw new Error(MISSING);
	return seen.key;
}
