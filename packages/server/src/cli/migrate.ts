import { migrateDatabase } from "../compose.ts";
import { dataFlag, readData } from "../config/settings.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Migrates the database and ends. `serve` does the same when it starts: this is to do it at a time of one's own. */
export const migrate = defineCommand({
  flags: { data: dataFlag },
  run: (args, terminal) => {
    const { data, from, to } = migrateDatabase(readData(args));
    const done =
      from === to ? `is at schema ${to}: nothing to do` : `is now at schema ${to} (was at ${from})`;
    terminal.print(`The database in ${data} ${done}.\n`);
    return Promise.resolve(exitCodes.ok.code);
  },
});
