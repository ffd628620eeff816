import { withControl } from "../compose-control.ts";
import { readWhole } from "../config/argument-values.ts";
import { StartError } from "../config/start-error.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { readSpaceOperand, readTitle, spaceOperand } from "./space-arguments.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Makes a space, with a title and a quota. */
export const spaceCreate = defineCommand({
  operands: [spaceOperand],
  flags: {
    ...dataPlaceFlags,
    title: { value: "TEXT", variable: null, help: "what people call it (its id)" },
    "records-max": {
      value: "COUNT",
      variable: null,
      help: "live records that it may hold (no bound)",
    },
  },
  run: async (args, terminal) => {
    const id = readSpaceOperand(args);
    const title = readTitle(args.value("title")) ?? id;
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
    const recordsMax = readWhole(args.value("records-max"), bounds);
    const outcome = await withControl(
      readDataPlace(args, terminal.environment),
      { makes: true },
      (control) => control.createSpace({ id, title, recordsMax }, actingNow()),
    );
    if (outcome.kind === "exists") {
      const { deletedAt } = outcome.space;
      throw new StartError(
        deletedAt === null
          ? `${id} exists: synchro space rename changes its title`
          : `${id} was deleted: synchro space undelete ${id} brings it back`,
      );
    }
    terminal.print(`${id} is made.\n`);
    return exitCodes.ok.code;
  },
});
