import { migrateDatabase } from "../compose.ts";
import { readSettings } from "../config/settings.ts";
import type { RunCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Migrates the database and ends. `serve` does the same when it starts: this is to do it at a time of one's own. */
export const migrate: RunCommand = async (args, terminal) => {
  const { data, from, to } = migrateDatabase(readSettings(args, terminal.environment).data);
  const done =
    from === to ? `is at schema ${to}: nothing to do` : `is now at schema ${to} (was at ${from})`;
  terminal.print(`The database in ${data} ${done}.\n`);
  return exitCodes.ok.code;
};
