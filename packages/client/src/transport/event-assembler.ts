import { TransferError } from "./transfer-error.ts";

export type ServerSentEvent = { readonly name: string; readonly data: string };

/** Takes the lines of a stream, one by one; gives the event that a line completes, else null. */
export type AssembleEvent = (line: string) => ServerSentEvent | null;

/**
 * Events of a `text/event-stream` (WHATWG HTML, section 9.2.6). An event is there when its empty line
 * is: what a cut leaves behind is none. `id` and `retry` are not read: a page has its own cursor, and
 * when to come back is the sync loop's to say.
 */
export const createEventAssembler = (charsMax: number): AssembleEvent => {
  let name = "";
  let data: string[] = [];
  let chars = 0;
  const take = (): ServerSentEvent | null => {
    const event = data.length === 0 ? null : { name, data: data.join("\n") };
    name = "";
    data = [];
    chars = 0;
    return event;
  };
  return (line) => {
    if (line === "") return take();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") name = value;
    if (field === "data") {
      // The line's own length too: a million empty ones are held as well.
      chars += line.length;
      if (chars > charsMax) throw new TransferError("an event is too long");
      data.push(value);
    }
    return null;
  };
};
