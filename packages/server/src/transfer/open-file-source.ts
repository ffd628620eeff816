import { createReadStream, statSync } from "node:fs";
import type { Limits } from "@synchro/protocol";
import type { Collection } from "../collections/collection.ts";
import { StartError } from "../config/start-error.ts";
import type { RowDefaults } from "./input-row.ts";
import type { InputSource } from "./input-source.ts";
import { readCsv } from "./read-csv.ts";
import { readNdjson } from "./read-ndjson.ts";
import { readText } from "./read-text.ts";
import { untilAborted } from "./stop-signal.ts";

type FileInput = {
  /** Null: `input`. */
  readonly file: string | null;
  readonly input: () => AsyncIterable<Uint8Array>;
  /** The collection whose columns CSV has; null: the file is NDJSON. */
  readonly csv: Collection | null;
  readonly defaults: RowDefaults;
  readonly limits: Limits;
  readonly signal: AbortSignal;
};

/** Bytes of a file that is known to be readable; null: it is a pipe, whose end is not known. */
const sizeOf = (file: string): number | null => {
  let found;
  try {
    found = statSync(file);
  } catch (error) {
    const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
    const reason = isAbsent ? "there is no such file" : String(error);
    throw new StartError(`${file}: can't be read: ${reason}`);
  }
  if (found.isDirectory()) throw new StartError(`${file}: is a folder`);
  return found.isFile() ? found.size : null;
};

async function* readFile(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`can't be read: ${reason}`);
  }
}

/**
 * A file, or a pipe, of CSV or NDJSON.
 *
 * @throws StartError if there is no such file; reading it throws StartError without its name.
 */
export const openFileSource = (of: FileInput): InputSource => {
  const { file, csv, defaults, limits, signal } = of;
  const size = file === null ? null : sizeOf(file);
  let taken = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      taken += chunk.length;
      yield chunk;
    }
  }
  const bytes = file === null ? of.input() : readFile(file);
  const texts = readText(counted(untilAborted(bytes, signal)));
  return {
    rows:
      csv === null
        ? readNdjson(texts, defaults, limits)
        : readCsv(texts, defaults, { collection: csv, limits }),
    share: () => (size === null || size === 0 ? null : taken / size),
    name: file ?? "stdin",
  };
};
