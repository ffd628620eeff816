import { readFileSync } from "node:fs";
import type { Arguments, Environment } from "../config/arguments.ts";
import { refuseUsage } from "../config/arguments.ts";
import { readText } from "../config/argument-values.ts";
import { type DataPlace, dataPlaceFlags, readDataPlace } from "../config/data-place.ts";
import { StartError } from "../config/start-error.ts";

/** The flags that say where records are taken from, or brought to. */
export const placeFlags = {
  ...dataPlaceFlags,
  url: { value: "URL", variable: null, help: "of a server, instead of --data or --database" },
  "token-file": {
    value: "FILE",
    variable: "SYNCHRO_TOKEN_FILE",
    help: "holds the token for --url (or in SYNCHRO_TOKEN)",
  },
} as const;

export type Place =
  | { readonly kind: "data"; readonly data: DataPlace }
  | { readonly kind: "server"; readonly url: string; readonly token: string | null };

const readUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return refuseUsage("--url must be the address of a server, such as http://127.0.0.1:7100");
  }
  // An address is seen by everybody who lists the processes of a machine.
  if (url.username !== "" || url.password !== "") {
    return refuseUsage("--url must not hold a name or a password: give a token with --token-file");
  }
  if (url.search !== "" || url.hash !== "") refuseUsage("--url must end with the server's path");
  return url.href.replace(/\/+$/, "");
};

/** Bearer tokens are of these characters (RFC 6750, section 2.1). */
const tokenPattern = /^[\w.~+/-]+=*$/;

const checkToken = (text: string, place: string): string => {
  const token = text.trim();
  // What it holds is told nowhere: it may be a secret all the same.
  if (!tokenPattern.test(token)) throw new StartError(`${place} does not hold a token`);
  return token;
};

const readTokenFile = (file: string): string => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`${file}: the token can't be read: ${reason}`);
  }
  return checkToken(text, file);
};

/**
 * The folder or the server that a command line names. A token comes from a file or a variable, never
 * from the command line, which everybody on the machine can read.
 *
 * @throws StartError in one line.
 */
export const readPlace = (
  args: Arguments<keyof typeof placeFlags>,
  environment: Environment,
): Place => {
  const url = readText(args.value("url"));
  if (url === null) {
    return { kind: "data", data: readDataPlace(args, environment) };
  }
  for (const flag of ["data", "database"] as const) {
    const given = args.value(flag)?.place;
    if (given === `--${flag}`) refuseUsage(`${given} and --url exclude each other`);
  }
  const file = readText(args.value("token-file"));
  const variable = environment["SYNCHRO_TOKEN"] ?? "";
  const fromVariable = variable === "" ? null : checkToken(variable, "SYNCHRO_TOKEN");
  return {
    kind: "server",
    url: readUrl(url),
    token: file === null ? fromVariable : readTokenFile(file),
  };
};
