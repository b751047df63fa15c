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
