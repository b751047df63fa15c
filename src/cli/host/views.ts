/** What a command reads of the answers of `/api`. A host of another version may lack any of it. */
export interface ModuleView {
	readonly id: string;
	readonly file: string;
	readonly state: string;
	readonly generation: number;
	readonly started_at: string | null;
	readonly restarts: Readonly<Record<string, number>>;
	readonly last_restart: {
		readonly reason: string;
		readonly at: string;
		readonly problem: ProblemView;
		readonly advice: string;
	} | null;
	readonly next_attempt_at: string | null;
	readonly load_error: ProblemView | null;
	readonly pending_calls: number;
	readonly memory_bytes: Readonly<Record<string, number>> | null;
	readonly event_loop_utilization: number | null;
	readonly isolation: string;
	readonly policy: { readonly enabled: boolean };
	readonly collection: CollectionView | null;
	readonly offers: Readonly<Record<string, number>> | null;
	readonly conflicts: readonly { readonly list: string; readonly name: string; readonly owner: string }[];
	readonly rejected_entries: readonly EntryView[];
	readonly warnings: readonly string[];
}

export interface ProblemView {
	readonly message: string;
	readonly file?: string;
	readonly line?: number;
	readonly column?: number;
	readonly frame?: string;
	readonly cause?: unknown;
}

export interface CollectionView {
	readonly success: boolean;
	readonly series: number;
	readonly at: number | string;
	readonly drops: readonly DropView[];
	readonly warnings: readonly DropView[];
	readonly error?: { readonly code: string; readonly message: string; readonly problem?: ProblemView };
}

export interface DropView {
	readonly reason: string;
	readonly family: string;
	readonly series: string;
	readonly count: number;
}

export interface EntryView {
	readonly list: string;
	readonly name: string;
	readonly path: string;
	readonly message: string;
}

export interface ModulesView {
	readonly modules: readonly ModuleView[];
	readonly ignored: readonly { readonly file: string; readonly problem: string }[];
}

export interface ToolView {
	readonly name: string;
	readonly module: string;
	readonly title?: string;
	readonly description?: string;
	readonly input_schema?: {
		readonly properties?: Readonly<Record<string, unknown>>;
		readonly required?: readonly string[];
	};
}

export interface ModuleLine {
	readonly time: string;
	readonly level: string;
	readonly message: string;
}
