import { type ModuleData, modulesOf, moduleOf, type PageEntries } from "../view/page-data.ts";
import { ASKED_FOR, REASONS } from "../view/problems.ts";

const MAX_TOLD = 3;

/**
 * What a screen reader is told of a change: which modules have ended, do not serve, or serve again. Empty: nothing. One may
 * end and serve again within a second, and be new as well.
 */
export function newsOf(before: PageEntries, now: PageEntries): string {
	const news = modulesOf(now).flatMap((module) => {
		const old = moduleOf(before, module.id);
		const reason = module.last_restart?.reason ?? "";
		if (endsOf(module) > endsOf(old)) return [`${module.id} has ended: ${REASONS[reason] ?? reason}.`];
		if (old === undefined || old.serving === module.serving) return [];
		return [module.serving ? `${module.id} serves again.` : `${module.id} is ${module.state}.`];
	});
	return [...news.slice(0, MAX_TOLD), ...(news.length > MAX_TOLD ? [`And ${news.length - MAX_TOLD} more.`] : [])].join(
		" ",
	);
}

/** How often it has ended without being asked to. */
function endsOf(module: ModuleData | undefined): number {
	const ends = Object.entries(module?.restarts ?? {}).filter(([reason]) => !ASKED_FOR.has(reason));
	return ends.reduce((sum, [, count]) => sum + count, 0);
}
