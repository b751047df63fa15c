/** What a snapshot may hold and what becomes of it: one case or more for every row of docs/metrics.md, by the row's number. */
import { FAMILY_RULES } from "./family-rules.ts";
import { GROUP_RULES } from "./group-rules.ts";
import { LABEL_RULES } from "./label-rules.ts";
import type { Rule } from "./rule.ts";
import { VALUE_RULES } from "./value-rules.ts";

export const RULES: readonly Rule[] = [...FAMILY_RULES, ...LABEL_RULES, ...VALUE_RULES, ...GROUP_RULES].toSorted(
	(one, other) => one.row - other.row,
);
