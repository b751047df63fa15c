import { BlockList } from "node:net";
import { type Destination, parseDestination } from "./destination.ts";
import { create, uncurry } from "../primordials/primordials.ts";

/** How a refusal is put into words: see the sandbox's `Denials`. */
export interface Refusals {
	/** @param act completes "the module may not …"; @param path what would have to be granted */
	error(act: string, remedy: "net" | "netList" | "unix" | "never", path?: string): Error;
	stub(name: string, remedy?: "net" | "never", like?: unknown): () => never;
}

/** What is granted to a module, as the policy has it. */
export interface NetworkGrants {
	/** All of the network, none of it, or `HOST:PORT` each. */
	readonly net: boolean | readonly string[];
	readonly unix: readonly string[];
	/** TCP ports that are not the module's to bind. */
	readonly reservedPorts: readonly number[];
}

/** What a module may reach over a socket. Asked behind the lock, so it uses nothing that a module can replace. */
export interface NetworkRule {
	/** Whether the network is open as a whole, a list of it, or not at all. */
	readonly net: "all" | "listed" | "none";
	/** @param address literal; @param port as the kernel will be told */
	mayConnect(address: string, port: number): boolean;
	/** Whether some port of the host, a name or an address, may be reached: then its name may be resolved. */
	mayResolve(host: string): boolean;
	/** What a host's name resolved to, according to the resolver of the host and not of the module. */
	learn(name: string, address: string): void;
	/** Whether the host's name and the port are granted; false for addresses, which `mayConnect` judges. */
	mayReach(host: string, port: number): boolean;
	/** Whether a server may be bound to the port: nobody takes the host's own, on whatever address. */
	mayBind(port: number): boolean;
	mayUseUnix(path: unknown): boolean;
}

interface Granted {
	readonly host: Destination["host"];
	readonly port: number | undefined;
	/** Addresses that the entry names, or that its names have resolved to. */
	addresses: BlockList;
	learned: number;
}

/** How many addresses an entry remembers; then it begins again. */
const MAX_LEARNED = 1024;

export function createNetworkRule(grants: NetworkGrants): NetworkRule {
	const entries = typeof grants.net === "boolean" ? [] : grants.net;
	const net = grants.net === true ? "all" : entries.length > 0 ? "listed" : "none";
	const granted = entries.flatMap((text) => {
		const destination = parseDestination(text);
		return destination === undefined ? [] : [grant(destination)];
	});
	const unix = create(null) as Record<string, true>;
	for (const path of grants.unix) unix[path] = true;
	const reserved = create(null) as Record<number, true>;
	for (const port of grants.reservedPorts) reserved[port] = true;

	function some(test: (each: Granted) => boolean): boolean {
		for (let index = 0; index < granted.length; index++) if (test(granted[index] as Granted)) return true;
		return false;
	}

	return {
		net,
		mayConnect: (address, port) =>
			net === "all" ||
			some((each) => hasPort(each, port) && (each.host.kind === "any" || holds(each.addresses, address))),
		mayResolve: (host) =>
			net === "all" ||
			some((each) => hasName(each, host) || (each.host.kind === "network" && holds(each.addresses, host))),
		mayReach: (host, port) => net === "all" || some((each) => hasPort(each, port) && hasName(each, host)),
		learn(name, address) {
			if (net !== "listed") return;
			for (let index = 0; index < granted.length; index++) {
				const each = granted[index] as Granted;
				if (each.host.kind === "any" || !hasName(each, name) || holds(each.addresses, address)) continue;
				if (each.learned === MAX_LEARNED) {
					each.addresses = new List();
					each.learned = 0;
				}
				each.learned++;
				addAddress(each.addresses, withoutZone(address), familyOf(address));
			}
		},
		mayBind: (port) => !(port in reserved),
		mayUseUnix: (path) => typeof path === "string" && path in unix,
	};
}

function grant({ host, port }: Destination): Granted {
	const addresses = new List();
	if (host.kind === "network") addresses.addSubnet(host.address, host.prefix, host.family);
	return { host, port, addresses, learned: 0 };
}

const List = BlockList;
const addAddress = uncurry<BlockList, [string, "ipv4" | "ipv6"], void>(BlockList.prototype.addAddress);
const check = uncurry<BlockList, [string, "ipv4" | "ipv6"], boolean>(BlockList.prototype.check);
const includes = uncurry<string, [string], boolean>(String.prototype.includes);
const endsWith = uncurry<string, [string], boolean>(String.prototype.endsWith);
const split = uncurry<string, [string, number], string[]>(String.prototype.split);
const lower = uncurry<string, [], string>(String.prototype.toLowerCase);
const slice = uncurry<string, [number, number], string>(String.prototype.slice);

function hasPort({ port }: Granted, wanted: number): boolean {
	return port === undefined || port === wanted;
}

function hasName({ host }: Granted, asked: string): boolean {
	if (host.kind === "any") return true;
	if (host.kind === "network") return false;
	const name = nameOf(asked);
	return host.kind === "name" ? name === host.name : endsWith(name, host.suffix);
}

/** As `normalName`, which calls what a module may have replaced. */
function nameOf(asked: string): string {
	const name = lower(asked);
	return endsWith(name, ".") ? slice(name, 0, name.length - 1) : name;
}

function holds(addresses: BlockList, address: string): boolean {
	try {
		return check(addresses, withoutZone(address), familyOf(address));
	} catch {
		return false; // it is no address
	}
}

function withoutZone(address: string): string {
	return split(address, "%", 1)[0] as string;
}

function familyOf(address: string): "ipv4" | "ipv6" {
	return includes(address, ":") ? "ipv6" : "ipv4";
}
