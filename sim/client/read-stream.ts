import type { NdjsonLine, StreamEvent, WireRecord } from "@synchro/protocol";
import type { AnyAnswer } from "./apply-answer.ts";

/** Takes text as it arrives, in pieces cut anywhere, and gives the answers that are whole. */
export type StreamReader = (text: string) => readonly AnyAnswer[];

const takeParts = (mark: string) => {
  let rest = "";
  return (text: string): readonly string[] => {
    const parts = (rest + text).split(mark);
    rest = parts.pop() ?? "";
    return parts;
  };
};

/** Server-sent events (LIVE-7). */
export const createEventReader = (): StreamReader => {
  const takeEvents = takeParts("\n\n");
  return (text) =>
    takeEvents(text).flatMap((event) =>
      event
        .split("\n")
        .filter((line) => line.startsWith("data: "))
        .map((line) => JSON.parse(line.slice("data: ".length)) as StreamEvent),
    );
};

/** NDJSON: a line with `cursor` ends a page (LIVE-4), which may be saved with the records above it. */
export const createLineReader = (): StreamReader => {
  const takeLines = takeParts("\n");
  let changes: WireRecord[] = [];
  let reset: AnyAnswer["reset"];
  return (text) => {
    const pages: AnyAnswer[] = [];
    for (const line of takeLines(text)) {
      const part = JSON.parse(line) as NdjsonLine;
      if ("collection" in part) changes.push(part);
      else if ("reset" in part) ({ reset } = part);
      else {
        pages.push({ ...part, changes, ...(reset === undefined ? {} : { reset }) });
        changes = [];
        reset = undefined;
      }
    }
    return pages;
  };
};
