import { migrateDatabase } from "../compose.ts";
import { migratePostgres } from "../compose-postgres.ts";
import { readText } from "../config/argument-values.ts";
import { refuseUsage } from "../config/arguments.ts";
import { dataPlaceFlags, placeName, readDataPlace } from "../config/data-place.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/**
 * Migrates the data and ends. `serve` does the same to a folder when it starts: this is to do it at a
 * time of one's own. A database is migrated by nothing else.
 */
export const migrate = defineCommand({
  flags: {
    ...dataPlaceFlags,
    "grant-to": {
      value: "ROLE",
      variable: "SYNCHRO_DATABASE_ROLE",
      help: "the servers' role, where it owns nothing",
    },
  },
  notes: [
    "A database is migrated while servers of the version before go on: first this, then the servers.",
    "Run it as the role that owns schema synchro, and name the role that servers use with --grant-to.",
  ],
  run: async (args, terminal) => {
    const place = readDataPlace(args, terminal.environment);
    const given = args.value("grant-to");
    if (place.kind === "folder" && given?.place.startsWith("--")) {
      refuseUsage("--grant-to needs --database URL beside it");
    }
    if (place.kind === "database") {
      const { from, to } = await migratePostgres(place, readText(given));
      const done = from === to ? "has them all: nothing to do" : `has them all (it had ${from})`;
      terminal.print(`Of ${to} migrations ${placeName(place)} ${done}.\n`);
      return exitCodes.ok.code;
    }
    const { data, from, to } = migrateDatabase(place.folder);
    const done =
      from === to ? `is at schema ${to}: nothing to do` : `is now at schema ${to} (was at ${from})`;
    terminal.print(`The database in ${data} ${done}.\n`);
    return exitCodes.ok.code;
  },
});
