import process from "node:process";

/** A key as it comes before the other arguments of a signature: an object of Node's, PEM or DER, JWK, or raw bytes. */
function keys(native: string): readonly string[] {
	return [
		`${native} none none none none`,
		"view|buffer code code|none view|buffer|none none",
		"obj jwk none none none",
		"view|buffer raw str none str|none",
	];
}
const SIGN = keys("PrivateKey").map((key) => `${key} int? int? int?`);
const VERIFY = keys("AsymmetricKey").map((key) => `${key} view|buffer int? int? int?`);

/**
 * What the methods of Node's native objects want to be called with: they end the process where it is anything else. A
 * method that is not named here takes whatever it is given (test/workers/handles finds out which do). The words are those
 * of `argument-kinds.ts`, and a capital letter begins the name of a native class; `once` is a method that an object can be
 * asked for once, and `/` stands between two ways to call one.
 */
export const NATIVE_METHODS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	AsyncWrap: { asyncReset: "obj num?" },
	Hash: { update: "data any?" },
	Hmac: { init: "once str view|KeyObjectHandle", update: "data any?" },
	Cipher: { update: "data any?", setAAD: "view int|none", setAuthTag: "view" },
	Sign: { init: "once str", update: "data any?", ...signing("sign", SIGN) },
	Verify: { init: "once str", update: "data any?", ...signing("verify", VERIFY) },
	ECDH: { computeSecret: "view", getPublicKey: "uint", setPublicKey: "view", setPrivateKey: "view" },
	DiffieHellman: { computeSecret: "view", setPublicKey: "view", setPrivateKey: "view" },
	DiffieHellmanGroup: { computeSecret: "view", setPublicKey: "view", setPrivateKey: "view" },
	Histogram: {
		add: "Histogram",
		cdf: "num",
		cliffsD: "Histogram",
		cohensD: "Histogram",
		countAt: "num",
		ksTest: "Histogram",
		linearBuckets: "step map",
		logBuckets: "step above map",
		mannWhitneyTest: "Histogram",
		meanCI: "share",
		percentile: "percent",
		percentileBigInt: "percent",
		percentileCI: "percent share",
		percentiles: "map",
		percentilesAt: "map percents",
		percentilesBigInt: "map",
		qrde: "shares uint bool",
		record: "count",
		recordCorrected: "count count",
		subtract: "Histogram",
		welchTest: "Histogram share",
	},
	BlockList: {
		addAddress: "SocketAddress",
		addAddresses: "SocketAddress[]",
		addRange: "SocketAddress SocketAddress",
		addSubnet: "SocketAddress prefix",
		check: "SocketAddress",
		checkString: "str family",
		removeAddress: "SocketAddress",
		removeRange: "SocketAddress SocketAddress",
		removeSubnet: "SocketAddress prefix",
	},
	SocketAddress: { detail: "obj", legacyDetail: "obj" },
	Blob: { slice: "num num" },
	FSEvent: { start: "once str|view bool bool any" },
	StatWatcher: { start: "once str|view uint" },
	UDP: {
		addMembership: "str str?",
		addSourceSpecificMembership: "str str str?",
		bufferSize: "uint bool obj",
		disconnect: "",
		dropMembership: "str str?",
		dropSourceSpecificMembership: "str str str?",
		getpeername: "obj",
		getsockname: "obj",
		setBroadcast: "uint",
		setMulticastInterface: "str",
		setMulticastLoopback: "uint",
		setMulticastTTL: "uint",
		setTTL: "uint",
	},
	Stream: {
		fchmod: "int",
		getpeername: "obj",
		getsockname: "obj",
		setBlocking: "bool",
		useUserBuffer: "view",
		writeAsciiString: "none str",
		writeBuffer: "none view",
		writeLatin1String: "none str",
		writeUcs2String: "none str",
		writeUtf8String: "none str",
		writev: "none list bool",
	},
};

/** Node 24 describes a key in another way, which is not held. */
function signing(method: string, signatures: readonly string[]): Readonly<Record<string, string>> {
	return Number.parseInt(process.versions.node, 10) >= 26 ? { [method]: signatures.join(" / ") } : {};
}
