import { resolve } from "node:path";
import {
  type DatabaseAddress,
  holdsPassword,
  readDatabaseAddress,
} from "../postgres/database-address.ts";
import { DatabaseRefusedError } from "../postgres/database-refused-error.ts";
import { readText } from "./argument-values.ts";
import { type Arguments, type Environment, type Given, refuseUsage } from "./arguments.ts";

/** A database that records and all else are kept in. */
export type DatabaseChoice = {
  readonly address: DatabaseAddress;
  /** Whether a role is taken that row-level security does not hold. */
  readonly allowsSuperuser: boolean;
};

/** Where the data are: in a folder, or in a database that nodes share. */
export type DataPlace =
  | { readonly kind: "folder"; readonly folder: string }
  | ({ readonly kind: "database" } & DatabaseChoice);

/** The folder of the database, for every command that opens it. */
export const dataFlag = {
  variable: "SYNCHRO_DATA",
  value: "DIR",
  help: "folder of the database (./data)",
} as const;

/** Where the data are, for every command that takes them wherever they are. */
export const dataPlaceFlags = {
  data: dataFlag,
  database: {
    variable: "SYNCHRO_DATABASE",
    value: "URL",
    help: "instead: postgres://USER@HOST:PORT/NAME",
  },
  "allow-superuser": {
    variable: "SYNCHRO_ALLOW_SUPERUSER",
    value: null,
    help: "take a role that passes row-level security",
  },
} as const;

export type DataPlaceFlag = keyof typeof dataPlaceFlags;

/** The folder that `--data` names. */
export const readData = (args: Arguments<"data">): string =>
  readText(args.value("data")) ?? "./data";

/** The address of a database. @throws StartError (exit code 2) in which no password stands. */
export const readAddress = (given: Given, environment: Environment): DatabaseAddress => {
  try {
    return readDatabaseAddress(given.text, environment);
  } catch (error) {
    if (!(error instanceof DatabaseRefusedError)) throw error;
    return refuseUsage(`${given.place}: ${error.message}`);
  }
};

const isFlag = (given: Given | undefined): boolean => given?.place.startsWith("--") === true;

/** The database that was chosen; null: a folder is. @throws StartError (exit code 2) where both are. */
export const readDatabase = (
  args: Arguments<DataPlaceFlag>,
  environment: Environment,
): DatabaseChoice | null => {
  const given = args.value("database");
  const folder = args.value("data");
  if (given === undefined || (isFlag(folder) && !isFlag(given))) return null;
  if (folder !== undefined && isFlag(folder) === isFlag(given)) {
    return refuseUsage(`${folder.place} and ${given.place} are both given: keep one`);
  }
  const address = readAddress(given, environment);
  return { address, allowsSuperuser: args.isOn("allow-superuser") };
};

/** Where `--data` or `--database` says that the data are. */
export const readDataPlace = (
  args: Arguments<DataPlaceFlag>,
  environment: Environment,
): DataPlace => {
  const database = readDatabase(args, environment);
  return database === null
    ? { kind: "folder", folder: readData(args) }
    : { kind: "database", ...database };
};

/**
 * The folder of the data, for what is done to files.
 *
 * @throws StartError (exit code 2) where a database is chosen, also by a variable.
 */
export const readFolder = (args: Arguments<DataPlaceFlag>, environment: Environment): string => {
  const place = readDataPlace(args, environment);
  if (place.kind === "folder") return place.folder;
  return refuseUsage(
    `${args.value("database")?.place} names a database: its own tools copy it, pg_basebackup or pg_dump (docs/operations.md)`,
  );
};

/** A place as messages call it: nothing secret stands in it. */
export const placeName = (place: DataPlace): string =>
  place.kind === "folder" ? resolve(place.folder) : place.address.shown;

/** Whether a password stands where every user of the machine can read it: in the command line. */
export const isPasswordSeen = (given: Given | undefined): boolean =>
  given !== undefined && isFlag(given) && holdsPassword(given.text);
