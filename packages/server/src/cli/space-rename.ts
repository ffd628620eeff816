import { withControl } from "../compose-control.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { findSpace, readSpaceOperand, readTitle, spaceOperand } from "./space-arguments.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Gives a space another title. */
export const spaceRename = defineCommand({
  operands: [spaceOperand, { name: "TITLE", help: "what people call it from now on" }],
  flags: { ...dataPlaceFlags },
  notes: ["The id stays: it stands in cursors, tokens and addresses."],
  run: async (args, terminal) => {
    const id = readSpaceOperand(args);
    const title = readTitle({ text: args.operands[1] ?? "", place: "TITLE" }) ?? id;
    const data = readDataPlace(args, terminal.environment);
    await withControl(data, { makes: false }, async (control) => {
      await findSpace(control, data, id);
      await control.changeSpace(id, { title }, actingNow());
    });
    terminal.print(`${id} is called ${title}.\n`);
    return exitCodes.ok.code;
  },
});
