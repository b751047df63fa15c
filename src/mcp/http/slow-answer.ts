/** Milliseconds after which a client, or a proxy in front of it, is shown that its request is being answered. */
export const QUIET_MS = 1000;
/** Milliseconds between signs of life on an event stream; proxies that wait for the next byte give up after 30 s and more. */
export const KEEP_ALIVE_MS = 10_000;

export interface SlowAnswerOptions {
	/** When the event stream begins, if nothing was answered before. */
	readonly afterMs: number;
	/** The id of the request. */
	readonly id: string | number;
	readonly onError: (error: Error) => void;
}

/**
 * Answers in time a request whose answer takes its time. Clients and proxies count to the first byte of a response (60 s in
 * nginx, 300 s in `fetch`), so a late answer becomes an event stream: its head leaves early, a comment now and then says that it
 * lives, and the answer is its last event. Only for a client that takes event streams.
 */
export function answerSlowly(answer: Promise<Response>, options: SlowAnswerOptions): Promise<Response> {
	return new Promise((resolve, reject) => {
		let stream: AnswerStream | undefined;
		const timer = setTimeout(() => {
			stream = openStream(resolve);
			stream.comment();
		}, options.afterMs);

		answer.then(
			(response) => {
				clearTimeout(timer);
				if (stream !== undefined) return void stream.finish(response);
				if (!isEventStream(response)) return resolve(response);
				// It has a head already, which only leaves with its first event.
				openStream(resolve, options.afterMs).finish(response).catch(options.onError);
			},
			(error: unknown) => {
				clearTimeout(timer);
				if (stream === undefined) return reject(error);
				options.onError(error as Error);
				void stream.finish(Response.json(internalError(options.id)));
			},
		);
	});
}

interface AnswerStream {
	comment(): void;
	finish(response: Response): Promise<void>;
}

/** @param firstMs when the first comment is sent, if nothing else was */
function openStream(resolve: (response: Response) => void, firstMs = KEEP_ALIVE_MS): AnswerStream {
	let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
	let isOpen = true;
	let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
	let timer = setTimeout(beat, firstMs);
	const body = new ReadableStream<Uint8Array>({
		start(started) {
			controller = started;
		},
		async cancel(reason) {
			stop();
			await reader?.cancel(reason);
		},
	});
	resolve(new Response(body, { headers: STREAM_HEADERS }));

	function stop(): void {
		isOpen = false;
		clearTimeout(timer);
	}

	function write(bytes: Uint8Array): void {
		if (!isOpen) return;
		controller?.enqueue(bytes);
		clearTimeout(timer);
		timer = setTimeout(beat, KEEP_ALIVE_MS);
	}

	function beat(): void {
		write(COMMENT);
	}

	return {
		comment: beat,
		async finish(response) {
			try {
				if (isEventStream(response) && response.body !== null) {
					reader = response.body.getReader();
					for (let part = await reader.read(); part.value !== undefined; part = await reader.read()) write(part.value);
				} else {
					const text = await response.text();
					if (text !== "") write(Buffer.from(`event: message\ndata: ${text.replaceAll(/\r?\n/g, " ")}\n\n`));
				}
			} finally {
				if (isOpen) controller?.close();
				stop();
			}
		},
	};
}

const COMMENT = Buffer.from(": still at it\n\n");
const STREAM_HEADERS = {
	"content-type": "text/event-stream",
	"cache-control": "no-cache, no-transform",
	"x-accel-buffering": "no",
};

function isEventStream({ headers }: Response): boolean {
	return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

function internalError(id: string | number): unknown {
	return { jsonrpc: "2.0", id, error: { code: -32603, message: "Internal error" } };
}
