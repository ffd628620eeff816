import { openForUpkeep } from "../compose-operations.ts";
import { readSpace } from "../config/argument-values.ts";
import { StartError } from "../config/start-error.ts";
import { countOf } from "../operations/count-of.ts";
import { systemRuntime } from "../system-runtime.ts";
import { auditAt } from "../compose-control.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, placeName, readDataPlace } from "../config/data-place.ts";

/** The space that a command is about; null: all. */
export const spaceFlag = {
  value: "SPACE",
  variable: null,
  help: "one space (shop); without: every one",
} as const;

/** Begins an epoch, for data that came from a copy. */
export const epochNew = defineCommand({
  flags: { ...dataPlaceFlags, space: spaceFlag },
  notes: [
    "For data that were put in place by other means than restore: a copied folder, a disk image. The",
    "server must be stopped. Nothing is lost by it, and no device that is in step is reset.",
  ],
  run: async (args, terminal) => {
    const data = readDataPlace(args, terminal.environment);
    const given = args.value("space");
    const space = given === undefined ? null : readSpace(given);
    const store = await openForUpkeep(data);
    try {
      const outcome = await store.beginEpoch(space);
      if (outcome.kind === "full")
        throw new StartError(`${placeName(data)}: there is no room on the disk`);
      if (outcome.spaces === 0 && space !== null) {
        throw new StartError(
          `${space} is not a space of the data in ${placeName(data)}: see synchro status`,
        );
      }
      await auditAt(data, {
        ...cliActor(systemRuntime),
        action: "epoch.begin",
        target: outcome.epoch,
        space,
        detail: { spaces: outcome.spaces },
      });
      terminal.print(
        `A new epoch, ${outcome.epoch}, begins in ${countOf(outcome.spaces, "space")}.\n`,
      );
      return exitCodes.ok.code;
    } finally {
      await store.close();
    }
  },
});
