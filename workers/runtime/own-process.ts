/**
 * A metric module's `export function process()` hides the global `process` in its file, so that `process.env.ROOT` there
 * reads a property of a function. What Node says of it leads nowhere; this says what to write.
 */

const MEMBERS = [
	"argv",
	"cpuUsage",
	"cwd",
	"env",
	"hrtime",
	"memoryUsage",
	"pid",
	"platform",
	"resourceUsage",
	"uptime",
];
const HINT =
	'`process` in this file is your own function: for Node\'s, write `import nodeProcess from "node:process"` and use that';

/** While a module loads, its function is out of reach: every function of that name answers so. @returns what ends it */
export function explainWhileLoading(): () => void {
	for (const member of MEMBERS) {
		// oxlint-disable-next-line no-extend-native -- until the module has loaded, and of no other function is anything different
		Object.defineProperty(Function.prototype, member, {
			configurable: true,
			get(this: unknown) {
				if (typeof this === "function" && isProcess(this.name)) throw new TypeError(`process.${member}: ${HINT}`);
				return undefined;
			},
			set(this: object, value: unknown) {
				Object.defineProperty(this, member, { value, writable: true, enumerable: true, configurable: true });
			},
		});
	}
	return () => {
		for (const member of MEMBERS) Reflect.deleteProperty(Function.prototype, member);
	};
}

/** From now on it is this function that answers so. */
export function explainOwnProcess(own: object): void {
	for (const member of MEMBERS) {
		if (member in own) continue;
		Object.defineProperty(own, member, {
			configurable: true,
			get() {
				throw new TypeError(`process.${member}: ${HINT}`);
			},
		});
	}
}

/** The bundler may have put a number behind the name. */
function isProcess(name: unknown): boolean {
	return typeof name === "string" && /^process\d*$/.test(name);
}
