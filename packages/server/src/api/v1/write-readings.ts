import {
  type Cursor,
  formatStamp,
  type JsonObject,
  parseInstant,
  recordId,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import type { ReadingsTail } from "../../service/sync-readings.ts";
import type { SentReading } from "./read-sync-request.ts";

/** When a reading expires, as an instant; null where the stored value has no such date. */
export const expiryOf = (value: string): Stamp | null => {
  const { expiration_date: date } = JSON.parse(value) as JsonObject;
  return typeof date === "string" ? parseInstant(date) : null;
};

/** One record of `data`: `{gtin, updated_at, expiration_date}`, both dates as instants. */
export const readingText = (record: StoredRecord, expiresAt: Stamp | null): string =>
  JSON.stringify({
    gtin: record.key,
    updated_at: formatStamp(record.stamp),
    expiration_date: expiresAt === null ? null : formatStamp(expiresAt),
  });

const versionId = (record: StoredRecord | SentReading["change"], expiresAt: Stamp | null): string =>
  [recordId(record.collection, record.key), record.stamp, expiresAt].join(" ");

const tailText = ({ now, cursor, isReset }: ReadingsTail): string => {
  const members: { now: string; cursor?: Cursor | ""; reset?: true } = { now: formatStamp(now) };
  if (cursor !== null) members.cursor = cursor;
  if (isReset) members.reset = true;
  return JSON.stringify(members).slice(1);
};

/**
 * A `/v1` answer piece by piece: `{"data":[…],"now":…}`. What equals a record that was just sent
 * (stamp and expiration date as instants) is not echoed. Spec: V1-*.
 */
export async function* writeReadings(
  chunks: AsyncGenerator<readonly StoredRecord[], ReadingsTail>,
  sent: readonly SentReading[],
): AsyncGenerator<string> {
  const echoes = new Set(sent.map(({ change, expiresAt }) => versionId(change, expiresAt)));
  let piece = '{"data":[';
  let isFirst = true;
  try {
    let step = await chunks.next();
    for (; step.done !== true; step = await chunks.next()) {
      for (const record of step.value) {
        if (record.value === null) continue;
        const expiresAt = expiryOf(record.value);
        if (echoes.has(versionId(record, expiresAt))) continue;
        piece += `${isFirst ? "" : ","}${readingText(record, expiresAt)}`;
        isFirst = false;
      }
      yield piece;
      piece = "";
    }
    yield `${piece}],${tailText(step.value)}`;
  } finally {
    await chunks.return({} as never);
  }
}
