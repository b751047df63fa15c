/** Durations, sizes and shares as people read them. */
export function duration(ms: number): string {
	const total = Math.max(0, Math.floor(ms / 1000));
	if (total < 60) return `${total} s`;
	const minutes = Math.floor(total / 60);
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function ago(at: string, now: number): string {
	return `${duration(now - Date.parse(at))} ago`;
}

export function bytes(value: number): string {
	if (value < KIB) return `${value} B`;
	if (value < KIB * KIB) return `${Math.round(value / KIB)} KiB`;
	return value < KIB ** 3 ? `${(value / KIB ** 2).toFixed(1)} MiB` : `${(value / KIB ** 3).toFixed(2)} GiB`;
}

const KIB = 1024;

export function percent(share: number): string {
	return `${share > 0 && share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;
}

export function seconds(value: number): string {
	if (value >= 1) return `${value.toFixed(1)} s`;
	return value >= 0.01 ? `${Math.round(value * 1000)} ms` : `${(value * 1000).toFixed(1)} ms`;
}

export function rate(perSecond: number): string {
	return perSecond === 0 || perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(perSecond < 1 ? 2 : 1);
}

export function utc(at: string): string {
	return `${at.slice(0, 19).replace("T", " ")} UTC`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${count} ${count === 1 ? one : many}`;
}
