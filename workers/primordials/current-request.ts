import { AsyncLocalStorage } from "node:async_hooks";
import { uncurry } from "./primordials.ts";

/** Runs the code of a request, so that whatever it does later, too, is known to be the request's. */
export function duringRequest<Result>(id: number, code: () => Result): Result {
	return run(storage, id, code) as Result;
}

/** Number of the request whose code runs; undefined outside of any. It may have been answered already. */
export function currentRequest(): number | undefined {
	return getStore(storage);
}

const storage = new AsyncLocalStorage<number>();
// Taken before the module comes in, which has the same class.
const run = uncurry<AsyncLocalStorage<number>, [number, () => unknown], unknown>(AsyncLocalStorage.prototype.run);
const getStore = uncurry<AsyncLocalStorage<number>, [], number | undefined>(AsyncLocalStorage.prototype.getStore);
