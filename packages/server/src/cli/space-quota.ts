import { withControl } from "../compose-control.ts";
import { readWhole } from "../config/argument-values.ts";
import { HONOURED_WITHIN_S } from "../control/control-store.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { findSpace, readSpaceOperand, spaceOperand } from "./space-arguments.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const NONE = "none";

const readQuota = (text: string): number | null =>
  text === NONE
    ? null
    : readWhole({ text, place: "COUNT" }, { min: 0, max: Number.MAX_SAFE_INTEGER });

/** Bounds the live records of a space, or takes the bound away. */
export const spaceQuota = defineCommand({
  operands: [
    spaceOperand,
    { name: "COUNT", help: `live records that it may hold, or ${NONE}: as the disk has room` },
  ],
  flags: { ...dataPlaceFlags },
  notes: [
    "At its quota a space refuses writes and takes deletes; its clients keep what they could not send.",
  ],
  run: async (args, terminal) => {
    const id = readSpaceOperand(args);
    const recordsMax = readQuota(args.operands[1] ?? "");
    const data = readDataPlace(args, terminal.environment);
    const { records } = await withControl(data, { makes: false }, async (control) => {
      const found = await findSpace(control, data, id);
      await control.changeSpace(id, { recordsMax }, actingNow());
      return found;
    });
    const bound =
      recordsMax === null ? "as many records as there is room for" : `${recordsMax} records`;
    terminal.print(
      `${id} may hold ${bound}, and holds ${records}. Servers honour it within ${HONOURED_WITHIN_S} seconds.\n`,
    );
    return exitCodes.ok.code;
  },
});
