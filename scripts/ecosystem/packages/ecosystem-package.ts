/** A package, and what a module does with it. */
export interface EcosystemPackage {
	readonly name: string;
	/**
	 * An expression that is true when the package works. `p` is the package's default export, or all of it where it has none;
	 * `n` is what it exports by name. What else is at hand: see `AT_HAND` of run.ts.
	 */
	readonly use: string;
	/** Why it cannot work without a grant, or at all, where that is so. */
	readonly needs?: string;
}
