import type { StoredRecord } from "@synchro/core";
import { recordBytes } from "./record-bytes.ts";

/** Bytes of records that a chunk of a long read holds, unless a single record is larger. */
export const CHUNK_BYTES_MAX = 256 * 1024;

/** Cuts a long read into chunks of bounded size, none empty. Takes one record more than it has yielded, at most. */
export function* chunkRecords(
  records: Iterable<StoredRecord>,
): Generator<readonly StoredRecord[], void> {
  let chunk: StoredRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = recordBytes(record);
    if (chunk.length > 0 && bytes + size > CHUNK_BYTES_MAX) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
