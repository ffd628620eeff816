/** An event of a `text/event-stream` (WHATWG HTML, section 9.2). */
export type StreamedEvent = {
  /** What a client that reconnects sends as `Last-Event-ID`; `""` makes it send none. Absent: the last one stays. */
  readonly id?: string;
  /** The event's name; absent: `message`. */
  readonly name?: string;
  readonly data: string;
  /** Milliseconds that a client waits before it reconnects. */
  readonly retryMs?: number;
};

/**
 * An event as the text of the stream. A line break in `data` is carried over as the format has it;
 * `id` and `name` are one line each.
 *
 * @throws Error if `id` or `name` holds a line break or U+0000, which would forge an event.
 */
export const encodeEvent = ({ id, name, data, retryMs }: StreamedEvent): string => {
  for (const field of [id, name]) {
    // oxlint-disable-next-line no-control-regex -- the format forbids just these
    if (field !== undefined && /[\r\n\u0000]/.test(field))
      throw new Error("an event's field has a line break");
  }
  const fields = [
    ...(name === undefined ? [] : [`event: ${name}\n`]),
    ...(id === undefined ? [] : [`id: ${id}\n`]),
    ...(retryMs === undefined ? [] : [`retry: ${retryMs}\n`]),
  ];
  const lines = /[\r\n]/.test(data) ? data.split(/\r\n|\r|\n/).join("\ndata: ") : data;
  return `${fields.join("")}data: ${lines}\n\n`;
};
