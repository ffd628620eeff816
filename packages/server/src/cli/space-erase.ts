import { openForUpkeep } from "../compose-operations.ts";
import { readSpace } from "../config/argument-values.ts";
import { refuseUsage } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import { auditAt, openControlIfThere } from "../compose-control.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Erases a space for good, and forgets its entry if it was deleted. */
export const spaceErase = defineCommand({
  operands: [{ name: "SPACE", help: "space (shop) to erase" }],
  flags: {
    ...dataPlaceFlags,
    yes: { value: null, variable: null, help: "yes, for good: there is no way back but a backup" },
  },
  notes: [
    "Records, history, evidence and rejections go, of every collection. The server must be stopped.",
    "Devices that hold them are told to drop them at their next request. Backups keep what they have.",
  ],
  run: async (args, terminal) => {
    const [text = ""] = args.operands;
    const space = readSpace({ text, place: "SPACE" });
    if (!args.isOn("yes")) refuseUsage(`to erase ${space} for good, add --yes`);
    const data = readDataPlace(args, terminal.environment);
    const store = await openForUpkeep(data);
    try {
      const outcome = await store.eraseSpace(space);
      if (outcome.kind === "full") {
        throw new StartError(
          outcome.isHidden
            ? `${space} is out of sight, but there is no room to take it off the disk: make room, and start the server, which goes on`
            : `${space} is as it was: there is no room on the disk`,
        );
      }
      const control = await openControlIfThere(data);
      try {
        const { actor, at } = cliActor(systemRuntime);
        await control?.forgetSpace(space, { actor, now: at });
      } finally {
        await control?.close();
      }
      await auditAt(data, {
        ...cliActor(systemRuntime),
        action: "space.erase",
        target: space,
        space,
        detail: {},
      });
      terminal.print(
        outcome.isFound
          ? `${space} is erased.\n`
          : `${space} held nothing: there is nothing to do.\n`,
      );
      return exitCodes.ok.code;
    } finally {
      await store.close();
    }
  },
});
