import { Buffer } from "node:buffer";
import type { StoredRecord } from "@synchro/core";

/** What the members of a record cost on the wire besides its texts: names, quotes, seq and stamp. */
const FRAME_BYTES = 96;

/**
 * The size of a record in an answer, in bytes: the one measure by which every engine ends a page,
 * and by which a push ends where the records that beat its changes grow too many. Escapes in a key
 * are not counted.
 */
export const recordBytes = (record: StoredRecord): number =>
  FRAME_BYTES +
  record.collection.length +
  Buffer.byteLength(record.key) +
  Buffer.byteLength(record.value ?? "") +
  Buffer.byteLength(record.fieldState ?? "") +
  Buffer.byteLength(record.author?.name ?? "");
