import { canonicalJson } from "../canonical-json.ts";
import type { JsonValue } from "../json.ts";
import { type Runtime, toHex } from "../runtime.ts";
import { formatStamp, type Stamp } from "../stamp.ts";
import { generationOf, type Revision, revisionOf } from "./revision.ts";

/** What a version of a record says: its value as JSON text (null: deleted) as of its stamp. */
export type Version = { readonly stamp: Stamp; readonly value: string | null };

const HASH_BYTES = 16;

/**
 * The revision of a version that Synchro wrote over another (null: over none). It is a hash of both,
 * of the value as data: the same version over the same one has the same name on every server, however
 * its text was written again on the way, and whoever has all three can tell that a name is true.
 * Spec: COUCH-8.
 */
export const revisionOfWrite = (
  sha256: Runtime["sha256"],
  parent: Revision | null,
  { stamp, value }: Version,
): Revision => {
  const data = value === null ? null : canonicalJson(JSON.parse(value) as JsonValue);
  const text = JSON.stringify([parent, formatStamp(stamp), data]);
  const generation = parent === null ? 1 : generationOf(parent) + 1;
  return revisionOf(generation, toHex(sha256(text).subarray(0, HASH_BYTES)));
};
