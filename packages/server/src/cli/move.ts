import { resolve } from "node:path";
import { auditAt } from "../compose-control.ts";
import { moveFolder } from "../compose-move.ts";
import { refuseUsage } from "../config/arguments.ts";
import {
  dataFlag,
  dataPlaceFlags,
  isPasswordSeen,
  readAddress,
  readData,
} from "../config/data-place.ts";
import { countOf } from "../operations/count-of.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Takes a data folder to a database. */
export const move = defineCommand({
  flags: {
    data: dataFlag,
    to: {
      value: "URL",
      variable: "SYNCHRO_DATABASE",
      help: "database that takes them: postgres://OWNER@HOST:PORT/NAME",
    },
    "allow-superuser": dataPlaceFlags["allow-superuser"],
  },
  notes: [
    "The server must be stopped, and the database migrated and empty; name the role that owns it. All is",
    "taken in one transaction: records with their seqs, history, evidence, rejections, spaces, devices,",
    "revocations, the audit log. Devices notice nothing. The folder stays, marked so that it is not served.",
  ],
  run: async (args, terminal) => {
    const given = args.value("to");
    if (given === undefined) return refuseUsage("name the database with --to postgres://…");
    const address = readAddress(given, terminal.environment);
    if (isPasswordSeen(given)) {
      terminal.complain(
        "a password in the command line is seen by everybody: use PGPASSWORD or ~/.pgpass",
      );
    }
    const folder = resolve(readData(args));
    const choice = { address, allowsSuperuser: args.isOn("allow-superuser") };
    let records = 0;
    const moved = await moveFolder(folder, choice, (count) => {
      records += count;
      terminal.draw?.(`${countOf(records, "record")} …`);
    });
    terminal.draw?.("");
    await auditAt(
      { kind: "database", ...choice },
      {
        ...cliActor(systemRuntime),
        action: "data.move",
        target: folder,
        space: null,
        detail: { spaces: moved.spaces },
      },
    );
    terminal.print(
      moved.counts === null
        ? `${address.shown} holds all of ${folder} already: an earlier run had done it.\n`
        : `${address.shown} holds ${countOf(moved.counts.records, "record")} in ${countOf(moved.spaces, "space")} of ${folder}.\n`,
    );
    terminal.print(
      "The folder is marked as moved, and no server opens it any more: keep it as a backup.\n",
    );
    return exitCodes.ok.code;
  },
});
