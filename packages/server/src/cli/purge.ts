import { addMicros, formatStamp, type SpaceId, type Stamp } from "@synchro/core";
import { openForUpkeep } from "../compose-operations.ts";
import { readSpace, readSpan } from "../config/argument-values.ts";
import { refuseUsage } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { countOf } from "../operations/count-of.ts";
import type { Store } from "../store/store.ts";
import { systemRuntime } from "../system-runtime.ts";
import { auditAt } from "../compose-control.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { spaceFlag } from "./epoch-new.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, placeName, readDataPlace } from "../config/data-place.ts";

const purgeSpace = async (store: Store, space: SpaceId, cutoff: Stamp): Promise<string> => {
  const { kind, purged, floor } = await store.purge(space, cutoff);
  if (kind === "full") {
    throw new StartError(
      `${space}: there is no room on the disk for the log of a purge; ${purged} tombstones are gone: make room and run it again`,
    );
  }
  return `${space}: ${countOf(purged, "tombstone")} removed, the floor is ${floor}.\n`;
};

/** Removes old tombstones for good. */
export const purge = defineCommand({
  flags: {
    "older-than": {
      value: "SPAN",
      variable: null,
      help: "age from which on tombstones go: 90d, 12h; must be given",
    },
    space: spaceFlag,
    ...dataPlaceFlags,
  },
  notes: [
    "The server must be stopped; a running one takes POST /v2/spaces/SPACE/purge. A device that was",
    "away for longer than SPAN then reads everything anew and keeps its unsent changes; edits that are",
    "older than the last delete that went come back to it as stale.",
  ],
  run: async (args, terminal) => {
    const data = readDataPlace(args, terminal.environment);
    const seconds = readSpan(args.value("older-than")) ?? refuseUsage("--older-than is missing");
    const given = args.value("space");
    const cutoff = addMicros(systemRuntime.now(), -seconds * 1_000_000);
    const store = await openForUpkeep(data);
    try {
      const known = await store.listSpaces();
      const space = given === undefined ? null : readSpace(given);
      if (space !== null && !known.includes(space)) {
        throw new StartError(
          `${space} is not a space of the data in ${placeName(data)}: see synchro status`,
        );
      }
      for (const each of space === null ? known : [space]) {
        terminal.print(await purgeSpace(store, each, cutoff));
      }
      await auditAt(data, {
        ...cliActor(systemRuntime),
        action: "space.purge",
        target: space ?? "*",
        space,
        detail: { cutoff: formatStamp(cutoff) },
      });
      return exitCodes.ok.code;
    } finally {
      await store.close();
    }
  },
});
