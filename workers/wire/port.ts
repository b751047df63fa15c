import { createList } from "../primordials/primordials.ts";

/** To be passed where nothing is transferred. It has no prototype: nobody else hears of what is read of it. */
export const NO_TRANSFER: ArrayBuffer[] = createList<ArrayBuffer>();

/** What both ends need of a `MessagePort`; a test can drive either end with a plain object. */
export interface Port {
	postMessage(message: unknown, transfer: ArrayBuffer[]): void;
	on(event: "message", listener: (message: unknown) => void): unknown;
	close(): void;
}
