import { withControl } from "../compose-control.ts";
import { nameHint } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import { readEntries } from "../control/known-spaces.ts";
import { HONOURED_WITHIN_S } from "../control/control-store.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { readSpaceOperand, spaceOperand } from "./space-arguments.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Takes a deletion back. */
export const spaceUndelete = defineCommand({
  operands: [spaceOperand],
  flags: { ...dataPlaceFlags },
  run: async (args, terminal) => {
    const id = readSpaceOperand(args);
    await withControl(
      readDataPlace(args, terminal.environment),
      { makes: false },
      async (control) => {
        const entries = await readEntries(control);
        if (entries.get(id)?.deletedAt == null) {
          const deleted = [...entries.values()].filter(({ deletedAt }) => deletedAt !== null);
          const hint =
            deleted.length === 0
              ? "none is"
              : nameHint(
                  id,
                  deleted.map((entry) => entry.id),
                );
          throw new StartError(`${id} is not a deleted space: ${hint}`);
        }
        await control.undeleteSpace(id, actingNow());
      },
    );
    terminal.print(
      `${id} is back: within ${HONOURED_WITHIN_S} seconds every server over this data answers for it again.\n`,
    );
    return exitCodes.ok.code;
  },
});
