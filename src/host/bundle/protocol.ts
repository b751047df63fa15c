import type { CompileProblem } from "./compile-problem.ts";
import type { FileStamp } from "../../core/file-fingerprint.ts";
import type { SharedLibrary } from "../packages/shared-libraries.ts";

/** What is to be built. Plain data: it goes to another process. */
export interface BuildRequestDto {
	readonly id: string;
	/** Absolute paths of the module folder and of the entry in it. */
	readonly root: string;
	readonly entry: string;
	/** Absolute path of the file that the bundle and its source map are written to, one after the other. */
	readonly draft: string;
	readonly maxBundleBytes: number;
	/** What modules import in the place of some files of installed packages: pairs of real path and replacement. */
	readonly bundled: readonly (readonly [string, { readonly path: string; readonly script: string }])[];
	/** Leaves warnings out. Each quotes its line, so that a long line with many of them takes gigabytes. */
	readonly quiet: boolean;
}

/** Bounded whatever the module is: the bundle itself goes into the draft. */
export type BuildReplyDto =
	| {
			readonly ok: true;
			readonly hash: string;
			readonly extension: ".mjs" | ".cjs";
			readonly draft: string;
			readonly codeBytes: number;
			readonly mapBytes: number;
			readonly libraries: readonly SharedLibrary[];
			/** Absolute paths of what a worker reads of installed packages. */
			readonly packageReads: readonly string[];
			readonly warnings: readonly CompileProblem[];
	  }
	| {
			readonly ok: false;
			/** Never empty. */
			readonly problems: readonly CompileProblem[];
			/** Whether the cause may go away without a trace in any file that was read. */
			readonly passing: boolean;
	  };

/** Absolute paths, as the author knows them, of what was read, and of what was looked for and is not there. */
export type StampsDto = readonly (readonly [string, FileStamp])[];

export interface BuildMessage {
	readonly job: number;
	readonly request: BuildRequestDto;
}

export type BundleProcessMessage =
	/** At once, because a build may end the process: what it had read by then has to be known. */
	| { readonly type: "read"; readonly job: number; readonly stamps: StampsDto }
	| { readonly type: "built"; readonly job: number; readonly reply: BuildReplyDto };
