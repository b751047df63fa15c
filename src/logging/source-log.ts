import type { Logger } from "./logger.ts";

/** What the compiler and discovery need of a logger. */
export type SourceLog = Pick<Logger, "debug" | "info" | "warn" | "error">;
