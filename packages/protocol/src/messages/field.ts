import {
  COLLECTION_NAME_PATTERN,
  type JsonObject,
  KEY_CODE_POINTS_MAX,
  LIFE_MAX,
  parseStamp,
  recordKeyProblem,
} from "@synchro/core";
import Type from "typebox";
import { INSTANT_FORMAT, INSTANT_RULE, isInstant } from "../instant-format.ts";
import type { Limits } from "../limits.ts";

/** What fields of several messages are made of. Each may get a description and examples of its own. */
type Words = { readonly description?: string; readonly examples?: readonly unknown[] };

/** The form of a stamp; which days the calendar has, `parseStamp` knows. */
export const STAMP_PATTERN = "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,6})?Z$";

const stampRule =
  "must be an instant YYYY-MM-DDTHH:MM:SS[.f]Z with at most 6 fractional digits" as const;

export const collectionField = (words: Words = {}) =>
  Type.String({
    pattern: COLLECTION_NAME_PATTERN,
    description: "The collection's name.",
    examples: ["readings"],
    ...words,
  });

export const keyField = (words: Words = {}) =>
  Type.Refine(
    Type.String({
      minLength: 1,
      maxLength: KEY_CODE_POINTS_MAX,
      description:
        "The record's key: 1 to 250 code points, at most 1,000 bytes in UTF-8, well formed, without U+0000.",
      examples: ["04012345678901"],
      ...words,
    }),
    (key) => recordKeyProblem(key) === null,
    (key) => recordKeyProblem(key) ?? "",
  );

export const stampField = (words: Words = {}) =>
  Type.Refine(
    Type.String({
      pattern: STAMP_PATTERN,
      description: "An instant of the years 1 to 9999, to the microsecond.",
      examples: ["2026-11-24T10:00:00.000001Z"],
      ...words,
    }),
    (text) => parseStamp(text) !== null,
    () => stampRule,
  );

export const nullableStampField = (words: Words = {}) =>
  Type.Refine(
    Type.Unsafe<string | null>({
      type: ["string", "null"],
      pattern: STAMP_PATTERN,
      ...words,
    }),
    (text) => text === null || parseStamp(text) !== null,
    () => `${stampRule}, or null`,
  );

/** A date as the origin wrote it; see {@link INSTANT_FORMAT}. */
export const instantField = (words: Words = {}) =>
  Type.Refine(
    Type.String({ format: INSTANT_FORMAT, examples: ["2021-11-12T01:11:00"], ...words }),
    isInstant,
    () => INSTANT_RULE,
  );

export const nullableInstantField = (words: Words = {}) =>
  Type.Refine(
    Type.Unsafe<string | null>({
      type: ["string", "null"],
      format: INSTANT_FORMAT,
      examples: ["2021-10-10T10:40:10"],
      ...words,
    }),
    (text) => text === null || isInstant(text),
    () => INSTANT_RULE,
  );

export const seqField = (words: Words = {}) =>
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The record's place in the space's order of commits.",
    examples: [4711],
    ...words,
  });

export const countField = (words: Words = {}) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...words });

export const limitField = (limits: Limits) =>
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: `Records in a page at most; absent: ${limits.pageRecordsDefault}. A page may be shorter, and holds at most ${limits.pageRecordsMax}.`,
    examples: [1_000],
  });

export const labelField = (lengthMax: number, words: Words = {}) =>
  Type.String({ minLength: 1, maxLength: lengthMax, ...words });

/** A cursor or an ack: opaque. In a request absent equals null. */
export const nullableTokenField = (lengthMax: number, words: Words = {}) =>
  Type.Unsafe<string | null>({ type: ["string", "null"], maxLength: lengthMax, ...words });

/** A token that an answer holds: as long as the server makes it. */
const tokenField = (words: Words = {}) => Type.String({ minLength: 1, ...words });

export const cursorField = () =>
  Type.Unsafe<string | null>({
    type: ["string", "null"],
    minLength: 1,
    description:
      "How far the client has read, once it has applied this answer. Opaque: it is kept with the data, in the same transaction, and sent with the next request. Null in a space that does not exist yet.",
    examples: ["c1.k7f2m9.4711.-.readings"],
  });

export const ackField = () =>
  tokenField({
    description:
      "Proof of what this answer acknowledged. Opaque: it is saved in the transaction that applies the results, and sent with every later pull, so that no answer is older than the client's own write.",
    examples: ["a1.k7f2m9.4711"],
  });

export const nowField = () =>
  stampField({
    description: "The server's clock, to measure one's own against; on answers that did not wait.",
    examples: ["2026-11-24T10:01:02.123456Z"],
  });

export const valueField = () =>
  Type.Unsafe<JsonObject>({
    type: "object",
    description:
      "The value: a JSON object that fits the collection's schema. Top-level members never start with `_`.",
    examples: [{ expiration_date: "2026-12-01", quantity: 12 }],
  });

export const lifeField = (words: Words = {}) =>
  Type.Integer({
    minimum: 1,
    maximum: LIFE_MAX,
    description:
      "In collections of the policy `fields` only: which life of the record this is. Odd: live; even: deleted. A delete ends a life, and what is made anew begins the next.",
    examples: [1],
    ...words,
  });

export const stampsField = (words: Words = {}) =>
  Type.Unsafe<{ readonly [field: string]: string }>({
    type: "object",
    additionalProperties: { type: "string", pattern: STAMP_PATTERN },
    description:
      "In collections of the policy `fields` only: the stamp of each field, those that were removed included.",
    examples: [{ quantity: "2026-11-24T10:00:00.000001Z" }],
    ...words,
  });

export const deletedField = () =>
  Type.Literal(true, { description: "The record is deleted, and has no value." });
