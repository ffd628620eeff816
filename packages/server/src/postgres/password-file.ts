import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { DatabaseRefusedError } from "./database-refused-error.ts";

type Place = {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
};

/** The fields of a line, parted by colons; a backslash takes the next character as it is. */
const fieldsOf = (line: string): readonly string[] => {
  const fields = [""];
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (character === ":") fields.push("");
    else {
      if (character === "\\") index += 1;
      fields.push(`${fields.pop() ?? ""}${line.charAt(index)}`);
    }
  }
  return fields;
};

/** `HOST:PORT:DATABASE:USER:PASSWORD` a line, `*` for any; the first that fits counts (manual, 34.16). */
export const passwordInFile = (text: string, place: Place): string | null => {
  const { host, port, database, user } = place;
  // The manual's name for every socket.
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    const fits = wanted.every((value, index) => fields[index] === "*" || fields[index] === value);
    if (fits && fields.length === 5) return fields[4] ?? null;
  }
  return null;
};

/** A password for a place that is named without one; null: nobody knows one. */
export const findPassword = (
  place: Place,
  from: {
    readonly environment: { readonly [name: string]: string | undefined };
    readonly passfile: string | null;
  },
): string | null => {
  const { environment } = from;
  const plain = environment["PGPASSWORD"] ?? "";
  if (plain !== "" && from.passfile === null) return plain;
  const named = from.passfile ?? environment["PGPASSFILE"] ?? null;
  const path = named ?? join(environment["HOME"] ?? homedir(), ".pgpass");
  let text: string;
  try {
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
      throw new DatabaseRefusedError(`${path} holds passwords, and others can read it: chmod 600`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof DatabaseRefusedError) throw error;
    if (named === null) return null;
    throw new DatabaseRefusedError(`can't read ${path}`, { cause: error });
  }
  return passwordInFile(text, place);
};
