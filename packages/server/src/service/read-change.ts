import {
  type Author,
  type CollectionSet,
  countCodePoints,
  isJsonObject,
  isStorableText,
  type JsonObject,
  keptRefusal,
  parseStamp,
  type PushChange,
  recordKeyProblem,
  type Runtime,
  type Stamp,
  type VersionContent,
} from "@synchro/core";
import type { JsonViolation, Limits } from "@synchro/protocol";
import type { Collection } from "../collections/collection.ts";
import type { CollectionRegistry } from "../collections/collection-registry.ts";
import { readPatch } from "./read-patch.ts";
import { checkMembers, checkSchema, isDelete, readMembers, valueText } from "./read-value.ts";
import { Refusal } from "./refusal.ts";
import { violationMessage } from "./violation-message.ts";

export type ChangeReading = {
  readonly registry: CollectionRegistry;
  readonly limits: Limits;
  /** The collections that the request asked for; a change to any other is refused. */
  readonly collections: CollectionSet;
  /** The subject of the token that brought the request; null in open mode. */
  readonly subject: string | null;
  readonly sha256: Runtime["sha256"];
};

const readCollection = (reading: ChangeReading, change: JsonObject): Collection => {
  const name = change["collection"];
  if (typeof name !== "string") {
    throw new Refusal("bad_change", "/collection", "collection must be a string");
  }
  const collection = reading.registry.get(name);
  if (collection === undefined) {
    throw new Refusal("unknown_collection", "/collection", "collection is not declared here");
  }
  if (reading.collections !== null && !reading.collections.includes(collection.name)) {
    const message = "collection is not among the collections that this request asked for";
    throw new Refusal("not_subscribed", "/collection", message);
  }
  return collection;
};

const readKey = (change: JsonObject): string => {
  const { key } = change;
  if (typeof key !== "string") throw new Refusal("bad_key", "/key", "key must be a string");
  const problem = recordKeyProblem(key);
  if (problem !== null) throw new Refusal("bad_key", "/key", `key ${problem}`);
  return key;
};

const readStamp = (change: JsonObject): Stamp => {
  const text = change["updated_at"];
  const stamp = typeof text === "string" ? parseStamp(text) : null;
  if (stamp !== null) return stamp;
  const message =
    "updated_at must be an instant YYYY-MM-DDTHH:MM:SS[.f]Z with at most 6 fractional digits";
  throw new Refusal("bad_stamp", "/updated_at", message);
};

const readBase = (change: JsonObject): number | null => {
  const base = change["base"] ?? null;
  if (base === null) return null;
  if (typeof base === "number" && Number.isSafeInteger(base) && base >= 0) return base;
  throw new Refusal("bad_change", "/base", "base must be a seq (an integer from 0) or null");
};

/** Units before code points: most names need no counting. */
const isLabel = (text: string, lengthMax: number): boolean =>
  (text.length <= lengthMax || countCodePoints(text) <= lengthMax) && isStorableText(text);

const readAuthor = (reading: ChangeReading, change: JsonObject): Author | null => {
  const { subject } = reading;
  const name = change["author"] ?? null;
  if (name === null) return subject === null ? null : { name: subject, verified: true };
  const { labelLengthMax } = reading.limits;
  if (typeof name === "string" && isLabel(name, labelLengthMax)) {
    return { name, verified: name === subject };
  }
  const message = `author must be text of at most ${labelLengthMax} characters`;
  throw new Refusal("bad_change", "/author", message);
};

/** The whole value that a change to a collection of the policy `last-write` holds; null: it deletes. */
const readWhole = (
  { limits }: ChangeReading,
  collection: Collection,
  change: JsonObject,
  key: string,
): string | null => {
  if (change["life"] !== undefined || change["stamps"] !== undefined) {
    const member = change["life"] === undefined ? "stamps" : "life";
    const message = `${member} must not stand here: this collection does not merge field by field`;
    throw new Refusal("policy_mismatch", `/${member}`, message);
  }
  if (isDelete(change)) return null;
  const value = readMembers(change);
  checkMembers(collection, key, value);
  const text = valueText(value, limits);
  checkSchema(collection, value);
  return text;
};

const readContent = (
  reading: ChangeReading,
  collection: Collection,
  change: JsonObject,
  of: { readonly key: string; readonly stamp: Stamp },
): VersionContent => {
  const { merge: rules } = collection;
  if (rules !== "last-write") {
    return readPatch({ collection, rules, limits: reading.limits }, change, of);
  }
  const value = readWhole(reading, collection, change, of.key);
  return { stamp: of.stamp, value, fieldState: null };
};

const read = (
  reading: ChangeReading,
  change: unknown,
  violation: JsonViolation | undefined,
): PushChange => {
  if (!isJsonObject(change)) throw new Refusal("bad_change", "", "a change must be an object");
  if (violation !== undefined) {
    const path = violation.path.split("/").slice(3).join("/");
    const message = violationMessage(violation.rule, reading.limits);
    throw new Refusal("data_rule", path === "" ? "" : `/${path}`, message);
  }
  const collection = readCollection(reading, change);
  const key = readKey(change);
  const stamp = readStamp(change);
  const base = readBase(change);
  const author = readAuthor(reading, change);
  const content = readContent(reading, collection, change, { key, stamp });
  return { kind: "write", collection: collection.name, key, base, author, ...content };
};

/**
 * Reads one change of a request, alone: whatever is wrong with it refuses this change and no other.
 * `violation` is the first broken data rule within it, if any. Spec: DATA-*, PUSH-*.
 */
export const readChange = (
  reading: ChangeReading,
  change: unknown,
  violation: JsonViolation | undefined,
): PushChange => {
  try {
    return read(reading, change, violation);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, path, message } = error;
    const { sha256, limits } = reading;
    const kept = keptRefusal({ code, message, path }, JSON.stringify(change), {
      rejectedBytesMax: limits.rejectedBytesMax,
      sha256,
    });
    return { kind: "refused", ...kept };
  }
};
