/** How much of a sample's labels a worker sends at most: what the operator's limits cannot go beyond. */

/** The most that `MODULE_MAX_LABELS` may allow. */
export const MAX_LABELS = 128;
/** The most that `MODULE_MAX_LABEL_LENGTH` may allow; of a longer value, in UTF-16 units, only its length is sent. */
export const MAX_LABEL_VALUE_LENGTH = 16 * 1024;
/** Longest label name, in UTF-16 units, of which a name that Prometheus takes has as many as bytes. */
export const MAX_LABEL_NAME_LENGTH = 200;
/**
 * All labels of a sample together, in bytes of JSON: room for 30 and `le` with values of 1024 bytes each of which takes
 * six, so that nothing within the default limits is refused, and still less than a line.
 */
export const MAX_LABELS_BYTES = 200 * 1024;

/** Limits of one snapshot, counted while it is written. */
export interface SnapshotLimits {
	/** Size of the whole buffer. */
	readonly maxBytes: number;
	/** Samples and families together, those that cannot be read included. */
	readonly maxSamples: number;
}

/** What main accepts at most; a worker is given these, or less. */
export const DEFAULT_SNAPSHOT_LIMITS = {
	maxBytes: 16 * 1024 * 1024,
	maxSamples: 250_000,
} as const satisfies SnapshotLimits;

/** No line is longer than this, so that reading one never takes main long. */
export const MAX_LINE_BYTES = 256 * 1024;
