/** What both ends need of a `MessagePort`; a test can drive either end with a plain object. */
export interface Port {
	postMessage(message: unknown, transfer: ArrayBuffer[]): void;
	on(event: "message", listener: (message: unknown) => void): unknown;
	close(): void;
}
