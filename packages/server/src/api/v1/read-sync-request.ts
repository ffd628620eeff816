import {
  type AssignChange,
  type CollectionName,
  isJsonObject,
  parseInstant,
  recordKeyProblem,
  type Stamp,
} from "@synchro/core";
import type { FieldError, JsonViolation, Limits } from "@synchro/protocol";
import { violationMessage } from "../../service/violation-message.ts";

const readings = "readings" as CollectionName;

/** A record as it was sent, with its dates as instants. */
export type SentReading = { readonly change: AssignChange; readonly expiresAt: Stamp };

export type V1SyncRequest = {
  readonly lastSyncDate: Stamp | null;
  readonly cursor: string | null;
  readonly sent: readonly SentReading[];
};

export type V1SyncReading =
  | { readonly kind: "ok"; readonly request: V1SyncRequest }
  /** `errors` holds the first `FAULTS_TOLD_MAX` of `count` faults, each path once. */
  | { readonly kind: "bad"; readonly errors: readonly FieldError[]; readonly count: number }
  | { readonly kind: "too_many"; readonly count: number };

const dateRule = "must be an ISO 8601 date or date-time, such as 2021-11-12T01:11:00";

/** Faults told in one answer: hostile input must not be answered at its own length. */
export const FAULTS_TOLD_MAX = 100;

/** What is wrong with a request: of each field the first thing. */
class Faults {
  readonly #messages = new Map<string, string>();

  add(path: string, message: string): null {
    if (!this.#messages.has(path)) this.#messages.set(path, message);
    return null;
  }

  get count(): number {
    return this.#messages.size;
  }

  toReading(): V1SyncReading {
    const told = [...this.#messages.entries()].slice(0, FAULTS_TOLD_MAX);
    const errors = told.map(([path, message]) => ({ path, message }));
    return { kind: "bad", errors, count: this.count };
  }
}

const readDate = (faults: Faults, path: string, name: string, text: unknown): Stamp | null => {
  const instant = typeof text === "string" ? parseInstant(text) : null;
  return instant ?? faults.add(path, `${name} ${text === undefined ? "is required" : dateRule}`);
};

const readGtin = (faults: Faults, path: string, gtin: unknown): string | null => {
  if (gtin === undefined) return faults.add(path, "gtin is required");
  if (typeof gtin !== "string") return faults.add(path, "gtin must be a string");
  const problem = recordKeyProblem(gtin);
  return problem === null ? gtin : faults.add(path, `gtin ${problem}`);
};

const readRecord = (faults: Faults, path: string, record: unknown): SentReading | null => {
  if (!isJsonObject(record)) return faults.add(path, "a record must be an object");
  const { gtin, updated_at: updatedAt, expiration_date: expirationDate } = record;
  const key = readGtin(faults, `${path}/gtin`, gtin);
  const stamp = readDate(faults, `${path}/updated_at`, "updated_at", updatedAt);
  const expirationPath = `${path}/expiration_date`;
  const expiresAt = readDate(faults, expirationPath, "expiration_date", expirationDate);
  if (key === null || stamp === null || expiresAt === null) return null;
  const members = { expiration_date: expirationDate ?? null };
  const change: AssignChange = {
    kind: "assign",
    collection: readings,
    key,
    stamp,
    author: null,
    members,
  };
  return { change, expiresAt };
};

const readCursor = (faults: Faults, limits: Limits, cursor: unknown): string | null => {
  if (cursor === undefined || cursor === null) return null;
  if (typeof cursor !== "string") return faults.add("/cursor", "cursor must be a string");
  if (cursor.length <= limits.cursorLengthMax) return cursor;
  return faults.add("/cursor", `cursor must have at most ${limits.cursorLengthMax} characters`);
};

const readRecords = (
  faults: Faults,
  limits: Limits,
  records: unknown,
): readonly SentReading[] | { readonly count: number } => {
  if (records === undefined) return [];
  if (!Array.isArray(records)) {
    faults.add("/newly_created_records", "newly_created_records must be an array");
    return [];
  }
  if (records.length > limits.changesMax) return { count: records.length };
  return records.flatMap((record: unknown, index) => {
    const sent = readRecord(faults, `/newly_created_records/${index}`, record);
    return sent === null ? [] : [sent];
  });
};

/** Reads the body of `POST /v1/sync/` whole: one malformed field refuses it, and every one is named. Spec: V1-*. */
export const readV1SyncRequest = (
  body: unknown,
  violations: readonly JsonViolation[],
  limits: Limits,
): V1SyncReading => {
  const faults = new Faults();
  if (!isJsonObject(body)) {
    faults.add("", "the body must be an object");
    return faults.toReading();
  }
  for (const { path, rule } of violations) faults.add(path, violationMessage(rule, limits));
  const { last_sync_date: date = null } = body;
  const cursor = readCursor(faults, limits, body["cursor"]);
  const lastSyncDate =
    date === null ? null : readDate(faults, "/last_sync_date", "last_sync_date", date);
  if (date === null && (body["cursor"] ?? null) === null) {
    faults.add("/last_sync_date", "last_sync_date is required (or a cursor)");
  }
  const sent = readRecords(faults, limits, body["newly_created_records"]);
  if ("count" in sent) return { kind: "too_many", count: sent.count };
  if (faults.count > 0) return faults.toReading();
  return { kind: "ok", request: { lastSyncDate, cursor, sent } };
};
