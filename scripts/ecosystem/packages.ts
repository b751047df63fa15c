import type { EcosystemPackage } from "./packages/ecosystem-package.ts";
import { FORMATS } from "./packages/formats.ts";
import { HTTP } from "./packages/http.ts";
import { LANGUAGE } from "./packages/language.ts";
import { OPERATIONS } from "./packages/operations.ts";
import { SERVICES } from "./packages/services.ts";
import { TOOLS } from "./packages/tools.ts";

/** The most used packages of the field, by what they are for. */
export const PACKAGES: readonly EcosystemPackage[] = [
	...LANGUAGE,
	...HTTP,
	...SERVICES,
	...FORMATS,
	...OPERATIONS,
	...TOOLS,
];
