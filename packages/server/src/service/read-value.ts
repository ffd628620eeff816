import { isJsonObject, type JsonObject, utf8Length } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Collection } from "../collections/collection.ts";
import { Refusal } from "./refusal.ts";

/** An RFC 6901 pointer to a member of a change's member. */
export const pointerTo = (member: "value" | "stamps", name: string): string =>
  `/${member}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** Whether a change deletes, and then has no value. @throws Refusal */
export const isDelete = ({ deleted = false, value }: JsonObject): boolean => {
  if (typeof deleted !== "boolean") {
    throw new Refusal("bad_change", "/deleted", "deleted must be true or false");
  }
  if (deleted && value !== undefined) {
    throw new Refusal("bad_change", "/value", "a change with deleted true must not have a value");
  }
  return deleted;
};

/** The value of a change that is no delete. @throws Refusal */
export const readMembers = ({ value }: JsonObject): JsonObject => {
  if (isJsonObject(value)) return value;
  throw new Refusal("bad_value", "/value", "value must be an object");
};

/** @throws Refusal for names that are kept free, and for a value that contradicts its key. */
export const checkMembers = (collection: Collection, key: string, value: JsonObject): void => {
  for (const name of Object.keys(value)) {
    if (name.startsWith("_")) {
      const path = pointerTo("value", name);
      throw new Refusal("reserved_member", path, "members that start with _ are reserved");
    }
  }
  const { keyField } = collection;
  if (keyField === null || !Object.hasOwn(value, keyField) || value[keyField] === key) return;
  throw new Refusal("key_mismatch", `/value/${keyField}`, `${keyField} must equal the key`);
};

/** The value's JSON, if it is not too large. @throws Refusal */
export const valueText = (value: JsonObject, { valueBytesMax }: Limits): string => {
  const text = JSON.stringify(value);
  // A UTF-16 unit takes at most three bytes: most values need no counting.
  if (text.length * 3 <= valueBytesMax || utf8Length(text) <= valueBytesMax) return text;
  const message = `value must have at most ${valueBytesMax} bytes as JSON`;
  throw new Refusal("value_too_large", "/value", message);
};

/** @throws Refusal for the first fault by the collection's schema. */
export const checkSchema = (collection: Collection, value: JsonObject): void => {
  const [fault] = collection.validate(value);
  if (fault === undefined) return;
  throw new Refusal("schema_mismatch", `/value${fault.path}`, fault.message);
};
