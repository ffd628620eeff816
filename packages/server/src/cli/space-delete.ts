import { withControl } from "../compose-control.ts";
import { refuseUsage } from "../config/arguments.ts";
import { HONOURED_WITHIN_S } from "../control/control-store.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { findSpace, readSpaceOperand, spaceOperand } from "./space-arguments.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Makes a space answer as one that does not exist; its records stay. */
export const spaceDelete = defineCommand({
  operands: [spaceOperand],
  flags: { ...dataPlaceFlags, yes: { value: null, variable: null, help: "must be given" } },
  notes: [
    "The space answers everybody as one that does not exist; its records stay on the disk, and",
    "synchro space undelete brings them back.",
  ],
  run: async (args, terminal) => {
    const id = readSpaceOperand(args);
    const data = readDataPlace(args, terminal.environment);
    const { records } = await withControl(data, { makes: false }, async (control) => {
      const found = await findSpace(control, data, id);
      if (!args.isOn("yes")) {
        refuseUsage(
          `${id} holds ${found.records} records, which nobody could read any more: add --yes if that is meant`,
        );
      }
      await control.deleteSpace(id, actingNow());
      return found;
    });
    terminal.print(
      `${id} is deleted: within ${HONOURED_WITHIN_S} seconds every server over this data answers as if it did not exist.\n` +
        `Its ${records} records stay; synchro space undelete ${id} brings them back.\n`,
    );
    return exitCodes.ok.code;
  },
});
