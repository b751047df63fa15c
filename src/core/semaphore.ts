/** A counting semaphore that serves in order of arrival, so that who asks for all of them gets them. */
export interface Permits {
	/** Resolves to the function that gives the permits back. */
	take(count: number): Promise<() => void>;
}

export function createPermits(total: number): Permits {
	let free = total;
	const queue: { readonly count: number; readonly grant: () => void }[] = [];

	function serve(): void {
		for (let next = queue[0]; next !== undefined && next.count <= free; next = queue[0]) {
			queue.shift();
			free -= next.count;
			next.grant();
		}
	}

	return {
		async take(count) {
			const { promise, resolve } = Promise.withResolvers<void>();
			queue.push({ count, grant: resolve });
			serve();
			await promise;
			return () => {
				free += count;
				serve();
			};
		},
	};
}
