import { type Cursor, formatStamp, type Stamp } from "@synchro/core";
import type { Reading } from "../../service/reading.ts";
import type { ReadingsTail } from "../../service/sync-readings.ts";
import type { SentReading } from "./read-sync-request.ts";

/** One record of `data`: `{gtin, updated_at, expiration_date}`, both dates as instants. */
export const readingText = ({ gtin, stamp, expiresAt }: Reading): string =>
  JSON.stringify({
    gtin,
    updated_at: formatStamp(stamp),
    expiration_date: expiresAt === null ? null : formatStamp(expiresAt),
  });

/** Stamps are of one length, so that no gtin can pass for another with a date. */
const versionId = (gtin: string, stamp: Stamp, expiresAt: Stamp | null): string =>
  [stamp, expiresAt, gtin].join(" ");

const tailText = ({ now, cursor, isReset }: ReadingsTail): string => {
  const members: { now: string; cursor?: Cursor | ""; reset?: true } = { now: formatStamp(now) };
  if (cursor !== null) members.cursor = cursor;
  if (isReset) members.reset = true;
  return JSON.stringify(members).slice(1);
};

/**
 * A `/v1` answer piece by piece: `{"data":[…],"now":…}`. What equals a record that was just sent
 * (stamp and expiration date as instants) is not echoed. `onSent` is told how many readings each
 * piece holds. Spec: V1-*.
 */
export async function* writeReadings(
  chunks: AsyncGenerator<readonly Reading[], ReadingsTail>,
  sent: readonly SentReading[],
  onSent: (count: number) => void,
): AsyncGenerator<string> {
  const echoes = new Set(
    sent.map(({ change, expiresAt }) => versionId(change.key, change.stamp, expiresAt)),
  );
  const isNews = ({ gtin, stamp, expiresAt }: Reading): boolean =>
    !echoes.has(versionId(gtin, stamp, expiresAt));
  let piece = '{"data":[';
  let isFirst = true;
  try {
    let step = await chunks.next();
    for (; step.done !== true; step = await chunks.next()) {
      const news = step.value.filter(isNews);
      if (news.length > 0) {
        piece += `${isFirst ? "" : ","}${news.map(readingText).join(",")}`;
        isFirst = false;
        onSent(news.length);
      }
      yield piece;
      piece = "";
    }
    yield `${piece}],${tailText(step.value)}`;
  } finally {
    await chunks.return({} as never);
  }
}
