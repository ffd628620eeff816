import type { PullAnswer } from "../../service/pull.ts";
import { expiryOf, readingText } from "./write-readings.ts";

/**
 * A frame of `GET /v1/readings/stream` as an SSE event: `id` is the cursor, `data` has the shape of
 * every `/v1` answer. A frame without readings carries an id alone, which moves an EventSource's
 * last event id and calls no handler. Spec: V1-*, LIVE-*.
 */
export const encodeStreamFrame = (answer: PullAnswer): Buffer => {
  const readings = answer.records.flatMap((record) =>
    record.value === null ? [] : [readingText(record, expiryOf(record.value))],
  );
  const id = answer.cursor === null ? "" : `id: ${answer.cursor}\n`;
  const isReset = answer.reset !== null;
  if (readings.length === 0 && !isReset) return Buffer.from(id === "" ? ": idle\n\n" : `${id}\n`);
  const reset = isReset ? ',"reset":true' : "";
  return Buffer.from(`${id}data: {"data":[${readings.join(",")}]${reset}}\n\n`);
};
