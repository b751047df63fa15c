import { create, values } from "../primordials/primordials.ts";

/**
 * What is under way, by its id: many entries a second, each gone after a moment.
 *
 * Not a Map. V8's Map moves to another table every few changes, and the old table keeps pointing to the new one. Once a
 * full collection has moved such a table to the old generation, each table after it is kept alive by the one before,
 * with what it held: from then on nothing that was ever in the Map dies young, every quick collection copies all of it, and
 * only the next full one frees it, when the same begins anew. The dictionary behind an object has no such chain.
 *
 * As with any object, 1 and "1" are the same id.
 */
export class InFlight<Value, Id extends number | string = number> {
	#entries = create(null) as Record<Id, Value>;
	#size = 0;

	get size(): number {
		return this.#size;
	}

	get(id: Id): Value | undefined {
		return this.#entries[id];
	}

	set(id: Id, value: Value): void {
		if (!(id in this.#entries)) this.#size += 1;
		this.#entries[id] = value;
	}

	/** @returns whether it was there */
	delete(id: Id): boolean {
		if (!(id in this.#entries)) return false;
		this.#size -= 1;
		return delete this.#entries[id];
	}

	clear(): void {
		this.#entries = create(null) as Record<Id, Value>;
		this.#size = 0;
	}

	/** Those of now. */
	values(): Value[] {
		return values(this.#entries);
	}
}

// Modules can come by one (the SDK has one of those it works with), and with it by the class that the runtime uses.
Object.freeze(InFlight.prototype);
