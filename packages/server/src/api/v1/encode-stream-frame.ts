import type { PullAnswer } from "../../service/pull.ts";
import { type Reading, readingOf } from "../../service/reading.ts";
import { readingText } from "./write-readings.ts";

const readingsIn = (answer: PullAnswer): readonly Reading[] =>
  answer.records.flatMap((record) => readingOf(record) ?? []);

/** Readings that a frame shows: its records without the tombstones. */
export const countReadings = (answer: PullAnswer): number =>
  answer.records.filter(({ value }) => value !== null).length;

/**
 * A frame of `GET /v1/readings/stream` as an SSE event: `id` is the cursor, `data` has the shape of
 * every `/v1` answer. A frame without readings carries an id alone, which moves an EventSource's
 * last event id and calls no handler. In a space that does not exist the id is empty, which makes
 * an EventSource forget the one that it had. Spec: V1-27.
 */
export const encodeStreamFrame = (answer: PullAnswer): Buffer => {
  const id = `id: ${answer.cursor ?? ""}\n`;
  const readings = readingsIn(answer);
  const isReset = answer.reset !== null;
  if (readings.length === 0 && !isReset) return Buffer.from(`${id}\n`);
  const data = `{"data":[${readings.map(readingText).join(",")}]${isReset ? ',"reset":true' : ""}}`;
  return Buffer.from(`${id}data: ${data}\n\n`);
};
