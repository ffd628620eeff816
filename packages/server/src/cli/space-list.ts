import { withControl } from "../compose-control.ts";
import { countRecords } from "../compose-spaces.ts";
import { readEntries } from "../control/known-spaces.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { textTable } from "./text-table.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Lists every space there is, deleted ones too, with its live records. */
export const spaceList = defineCommand({
  flags: { ...dataPlaceFlags },
  notes: [
    "A space that nobody has made, and that holds records, is there too; its title is its id.",
  ],
  run: async (args, terminal) => {
    const data = readDataPlace(args, terminal.environment);
    const entries = await withControl(data, { makes: false }, readEntries);
    const records = await countRecords(data);
    const ids = [...new Set([...entries.keys(), ...records.keys()])].toSorted();
    const rows = ids.map((id) => {
      const entry = entries.get(id);
      const recordsMax = entry?.recordsMax ?? null;
      return [
        id,
        String(records.get(id) ?? 0),
        recordsMax === null ? "-" : String(recordsMax),
        entry?.deletedAt == null ? "live" : "deleted",
        entry?.title ?? id,
      ];
    });
    terminal.print(textTable([["SPACE", "RECORDS", "QUOTA", "STATE", "TITLE"], ...rows]));
    return exitCodes.ok.code;
  },
});
