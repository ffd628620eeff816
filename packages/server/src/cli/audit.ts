import { formatStamp } from "@synchro/core";
import { withControl } from "../compose-control.ts";
import { readSpace, readWhole } from "../config/argument-values.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { textTable } from "./text-table.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const COUNT_DEFAULT = 50;
const COUNT_MAX = 100_000;

const detailOf = (detail: { readonly [name: string]: unknown }): string =>
  Object.entries(detail)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");

/** Prints who did what, the newest first. */
export const audit = defineCommand({
  flags: {
    ...dataPlaceFlags,
    space: { value: "SPACE", variable: null, help: "only what concerns this space alone" },
    limit: { value: "COUNT", variable: null, help: `entries at most (${COUNT_DEFAULT})` },
    before: { value: "NUMBER", variable: null, help: "only entries with a number below" },
  },
  notes: ["Nothing is ever removed from the log."],
  run: async (args, terminal) => {
    const given = args.value("space");
    const space = given === undefined ? null : readSpace(given);
    const limit = readWhole(args.value("limit"), { min: 1, max: COUNT_MAX }) ?? COUNT_DEFAULT;
    const bounds = { min: 1, max: Number.MAX_SAFE_INTEGER };
    const before = readWhole(args.value("before"), bounds);
    const entries = await withControl(
      readDataPlace(args, terminal.environment),
      { makes: false },
      (control) => control.listAudit({ space, before, limit }),
    );
    const rows = entries.map((entry) => [
      String(entry.number),
      formatStamp(entry.at),
      entry.actor,
      entry.action,
      entry.target,
      detailOf(entry.detail),
    ]);
    terminal.print(textTable([["NUMBER", "AT", "ACTOR", "ACTION", "TARGET", "DETAIL"], ...rows]));
    return exitCodes.ok.code;
  },
});
