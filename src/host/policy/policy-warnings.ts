import { existsSync } from "node:fs";
import type { PluginPolicy } from "./module-policy.ts";

/** What a policy says that is allowed and probably not meant, as sentences. */
export function policyWarnings(
	policy: PluginPolicy,
	moduleIds: readonly string[],
	env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
	const warnings: string[] = [];
	for (const id of policy.moduleIds) {
		if (!moduleIds.includes(id)) warnings.push(`modules.${id}: there is no such module`);
	}
	for (const id of new Set([...policy.moduleIds, ...moduleIds])) {
		const { permissions, env: grants } = policy.of(id);
		for (const [name, grant] of Object.entries(grants)) {
			if ("from" in grant && env[name] === undefined) warnings.push(`${id}: the granted variable ${name} is not set`);
			if ("file" in grant && !existsSync(grant.file)) {
				warnings.push(`${id}: the granted variable ${name} is not set, there is no ${grant.file}`);
			}
		}
		for (const kind of ["read", "write"] as const) {
			for (const path of permissions[kind]) {
				if (!existsSync(path)) warnings.push(`${id}: permissions.${kind} names ${path}, which is not there`);
			}
		}
	}
	return warnings.slice(0, MAX_WARNINGS);
}

const MAX_WARNINGS = 100;
