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
  type RejectionCode,
  type Runtime,
  type Stamp,
  utf8Length,
} from "@synchro/core";
import type { JsonViolation, Limits } from "@synchro/protocol";
import type { Collection } from "../collections/collection.ts";
import type { CollectionRegistry } from "../collections/collection-registry.ts";
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

/** The first thing wrong with a change. */
class Refusal extends Error {
  readonly code: RejectionCode;
  readonly path: string;
  constructor(code: RejectionCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

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

const checkMembers = (collection: Collection, key: string, value: JsonObject): void => {
  for (const name of Object.keys(value)) {
    if (name.startsWith("_")) {
      const path = `/value/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      throw new Refusal("reserved_member", path, "members that start with _ are reserved");
    }
  }
  const { keyField } = collection;
  if (keyField === null || !Object.hasOwn(value, keyField) || value[keyField] === key) return;
  throw new Refusal("key_mismatch", `/value/${keyField}`, `${keyField} must equal the key`);
};

const readValue = (
  reading: ChangeReading,
  collection: Collection,
  key: string,
  change: JsonObject,
): string | null => {
  const { deleted: isDeleted = false } = change;
  if (typeof isDeleted !== "boolean") {
    throw new Refusal("bad_change", "/deleted", "deleted must be true or false");
  }
  const { value } = change;
  if (isDeleted) {
    if (value === undefined) return null;
    throw new Refusal("bad_change", "/value", "a change with deleted true must not have a value");
  }
  if (!isJsonObject(value)) throw new Refusal("bad_value", "/value", "value must be an object");
  checkMembers(collection, key, value);
  const text = JSON.stringify(value);
  const { valueBytesMax } = reading.limits;
  // A UTF-16 unit takes at most three bytes: most values need no counting.
  if (text.length * 3 > valueBytesMax && utf8Length(text) > valueBytesMax) {
    const message = `value must have at most ${valueBytesMax} bytes as JSON`;
    throw new Refusal("value_too_large", "/value", message);
  }
  const [fault] = collection.validate(value);
  if (fault !== undefined) {
    throw new Refusal("schema_mismatch", `/value${fault.path}`, fault.message);
  }
  return text;
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
  const value = readValue(reading, collection, key, change);
  return { kind: "write", collection: collection.name, key, stamp, base, author, value };
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
