import {
  type CollectionName,
  formatSum,
  isJsonObject,
  type JsonObject,
  parseStamp,
  type Runtime,
  type SpaceId,
  type StoredRecord,
} from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { ExportSource } from "./export-source.ts";
import { readLines } from "./read-lines.ts";
import { readText } from "./read-text.ts";
import { createRecordSpool, type RecordSpool } from "./record-spool.ts";
import type { ServerClient } from "./server-client.ts";
import { stoppedError } from "./stop-signal.ts";

/** A record's line is never longer: a server that sends more is none of ours. */
const LINE_LENGTH_MAX = 64 * 1024 * 1024;

type Fetch = {
  readonly client: ServerClient;
  readonly space: SpaceId;
  readonly collections: readonly CollectionName[];
  readonly tombstones: boolean;
  readonly runtime: Pick<Runtime, "sha256">;
  readonly signal: AbortSignal;
  /** Told how many records have come. */
  readonly onProgress: (records: number) => void;
};

/** The last line of a run's last answer. */
type RunEnd = { readonly digest: JsonObject };

/** A line's `life` and `stamps` as they are stored; null where it has none. */
const fieldStateOf = ({ life, stamps }: JsonObject): string | null =>
  life === undefined
    ? null
    : `"life":${JSON.stringify(life)},"stamps":${JSON.stringify(stamps ?? {})}`;

const recordOf = (line: JsonObject): StoredRecord | null => {
  const { collection, key, seq, updated_at: stampText, value, author } = line;
  const stamp = typeof stampText === "string" ? parseStamp(stampText) : null;
  const unverified = line["author_unverified"];
  const name = author ?? unverified;
  if (typeof collection !== "string" || typeof key !== "string") return null;
  if (typeof seq !== "number" || stamp === null) return null;
  return {
    collection: collection as CollectionName,
    key,
    seq,
    stamp,
    value: value === undefined ? null : JSON.stringify(value),
    fieldState: fieldStateOf(line),
    author: typeof name === "string" ? { name, verified: unverified === undefined } : null,
  };
};

/** One run from the beginning, over as many answers as it takes; the spool holds what it brought. */
class Run {
  readonly #fetch: Fetch;
  readonly #spool: RecordSpool;
  #cursor: string | null = null;
  #received = 0;
  #hasAdvanced = false;

  constructor(fetching: Fetch, spool: RecordSpool) {
    this.#fetch = fetching;
    this.#spool = spool;
  }

  async toEnd(): Promise<RunEnd> {
    const { client, signal } = this.#fetch;
    for (let failures = 0; ;) {
      this.#hasAdvanced = false;
      let reason = "cuts its answers short";
      try {
        const end = await this.#readAnswer();
        if (end === "more") continue;
        if (end !== "cut") return end;
      } catch (error) {
        if (signal.aborted) throw stoppedError();
        if (error instanceof StartError) throw error;
        reason = `can't be reached: ${error instanceof Error ? error.message : String(error)}`;
      }
      failures = this.#hasAdvanced ? 0 : failures + 1;
      await client.backOff(failures, reason);
    }
  }

  #path(): string {
    const { space, collections, tombstones } = this.#fetch;
    const query = new URLSearchParams({ collections: collections.join(",") });
    if (this.#cursor !== null) query.set("cursor", this.#cursor);
    if (tombstones) query.set("tombstones", "true");
    return `/v2/spaces/${space}/changes?${query.toString()}`;
  }

  async #readAnswer(): Promise<RunEnd | "more" | "cut"> {
    const { client } = this.#fetch;
    const accept = "application/x-ndjson";
    const response = await client.send({ path: this.#path(), accept, body: null });
    if (response.body === null || !response.headers.get("content-type")?.startsWith(accept)) {
      throw this.#badAnswer();
    }
    for await (const line of readLines(readText(response.body), LINE_LENGTH_MAX)) {
      const end = this.#readLine(line.text ?? "");
      if (end !== null) return end;
    }
    return "cut";
  }

  #readLine(text: string): RunEnd | "more" | null {
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      // The last line of an answer that was cut.
      return null;
    }
    if (!isJsonObject(line)) throw this.#badAnswer();
    if ("key" in line) this.#put(line);
    else if ("reset" in line) {
      // What came belongs to data that was given up, and the run begins again.
      this.#spool.clear();
      this.#received = 0;
    } else if ("cursor" in line) {
      this.#cursor = typeof line["cursor"] === "string" ? line["cursor"] : null;
      this.#hasAdvanced = true;
      if (line["more"] === true) return "more";
      if (line["more"] === false) {
        const { digest } = line;
        return { digest: isJsonObject(digest) ? digest : {} };
      }
    }
    return null;
  }

  #put(line: JsonObject): void {
    const record = recordOf(line);
    if (record === null) throw this.#badAnswer();
    this.#spool.put(record);
    this.#received += 1;
    if (this.#received % 1000 === 0) this.#fetch.onProgress(this.#received);
  }

  #badAnswer(): StartError {
    const { url } = this.#fetch.client;
    return new StartError(
      `${url} gives an answer that is none of Synchro's: is it the right server?`,
    );
  }
}

/** Whether what came is what the server holds. */
const checkDigest = ({ client, collections, runtime }: Fetch, spool: RecordSpool, end: RunEnd) => {
  const told = end.digest["collections"];
  for (const name of collections) {
    const { count, sum } = spool.digest(name, runtime.sha256);
    const digest = isJsonObject(told) ? told[name] : undefined;
    const isSame =
      isJsonObject(digest) && digest["count"] === count && digest["sum"] === formatSum(sum);
    if (isSame) continue;
    throw new StartError(
      `${client.url} sent ${count} ${name} that do not add up to its digest: run it again`,
    );
  }
};

/**
 * Fetches the records of a space from a server, page after page, going on where an answer was cut;
 * what changes meanwhile comes too. At the end they are those of one moment, and the server's own
 * digests have been compared with them.
 *
 * @throws StartError in one line.
 */
export const openServerSource = async (fetching: Fetch): Promise<ExportSource> => {
  const spool = createRecordSpool();
  try {
    const end = await new Run(fetching, spool).toEnd();
    checkDigest(fetching, spool, end);
    if (!fetching.tombstones) spool.dropTombstones();
  } catch (error) {
    spool.close();
    throw error;
  }
  return { total: spool.count(), read: spool.read, close: spool.close };
};
