/** Writes the table of docs/limits.md anew from the fixtures: `npm run limits`. */
import { readFileSync, writeFileSync } from "node:fs";
import { readCatalogue } from "../test/support/chaos-catalogue.ts";
import { limitsTable, withTable } from "../test/support/chaos-limits.ts";

const PAGE = new URL("../docs/limits.md", import.meta.url);

writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), limitsTable(readCatalogue())));
