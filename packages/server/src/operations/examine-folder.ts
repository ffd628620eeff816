import { accessSync, constants, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fail, type Finding, ok, warn } from "./finding.ts";
import { formatBytes } from "./format-bytes.ts";

/** Room below which pushes will soon be refused. */
const FREE_BYTES_MIN = 256 * 1024 * 1024;
/** A log of more has a reader that holds an old moment, or a writer that can't bring it in. */
const LOG_BYTES_MAX = 256 * 1024 * 1024;
/** Rights of others. */
const OTHERS_MODE = 0o077;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const examineRights = (data: string): Finding => {
  const files = ["synchro.db", "synchro.db-wal", "synchro.lock", "control.db", "control.db-wal"];
  const barred = [data, ...files.map((name) => join(data, name))].filter(
    (path) => statSync(path, { throwIfNoEntry: false }) !== undefined && !isWritable(path),
  );
  if (barred.length > 0) {
    const paths = barred.join(", ");
    return fail("rights", `this user may not read and write ${paths}: run as the server's user`);
  }
  const control = statSync(join(data, "control.db"), { throwIfNoEntry: false });
  if (control !== undefined && (control.mode & OTHERS_MODE) !== 0 && process.platform !== "win32") {
    return warn(
      "rights",
      `control.db may be read by others: chmod 600 ${join(data, "control.db")}`,
    );
  }
  return ok("rights", "this user may read and write the data, and control.db is nobody else's");
};

const examineDisk = (data: string): Finding => {
  const { bavail, bsize } = statfsSync(data);
  const free = bavail * bsize;
  const used = sizeOf(join(data, "synchro.db")) + sizeOf(join(data, "synchro.db-wal"));
  const told = `${formatBytes(free)} free, the database takes ${formatBytes(used)}`;
  if (free < FREE_BYTES_MIN) {
    return fail("disk", `${told}: make room, or pushes will be refused with storage_full`);
  }
  if (free < used) return warn("disk", `${told}: too little for a backup or a restore beside it`);
  return ok("disk", told);
};

const examineLog = (data: string): Finding => {
  const bytes = sizeOf(join(data, "synchro.db-wal"));
  return bytes > LOG_BYTES_MAX
    ? warn("log", `${formatBytes(bytes)}: a backup or a reader that hangs keeps it from shrinking`)
    : ok("log", formatBytes(bytes));
};

const examineLeftovers = (data: string): readonly Finding[] => {
  const names = readdirSync(data);
  const cut = names.filter((name) => name.startsWith("restoring-"));
  const kept = names.filter((name) => name.startsWith("replaced-"));
  return [
    ...(cut.length === 0
      ? []
      : [warn("restores", `one was cut off (${cut.join(", ")}): restore again, with --replace`)]),
    ...(kept.length === 0
      ? []
      : [ok("restores", `data that were replaced are kept in ${kept.join(", ")}`)]),
  ];
};

/** The folder of the data: its rights, its disk, its log, and what restores have left. */
export const examineDataFolder = (data: string): readonly Finding[] => [
  examineRights(data),
  examineDisk(data),
  examineLog(data),
  ...examineLeftovers(data),
];
