import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runSandboxed } from "../../support/sandbox-run.ts";

/** What Node's native code of each area ends the process for, unless it is kept from it. */
const REFUSED = {
	zlib: ["Gzip.write", "Gzip.writeSync", "Gzip.init", "Gzip.params", "BrotliCompress.write", "ZstdDecompress.init"],
	crypto: ["Hash.update", "Hmac.init", "Cipher.setAAD", "Sign.update", "ECDH.setPrivateKey"],
	others: ["Histogram.add", "Histogram.record", "BlockList.check", "SocketAddress.detail", "Blob.slice"],
} as const;

// A call that is not held ends this very process, and the file with it.
describe("native objects that are called as Node never does cost nobody anything", () => {
	for (const [area, expected] of Object.entries(REFUSED)) {
		test(area, async () => {
			const { value, error } = await runSandboxed("misuses-native-objects.mjs", { argument: area });
			assert.equal(error, undefined);
			const { called, refused } = value as { readonly called: string[]; readonly refused: string[] };
			for (const name of expected) assert.ok(refused.includes(name), `${name} of ${called.join(" ")}`);
		});
	}
});

test("whoever uses them as they are meant to be notices nothing", async () => {
	assert.deepEqual(await runSandboxed("uses-native-objects.mjs"), { value: [], output: [] });
});
