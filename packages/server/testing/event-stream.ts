import { type IncomingMessage, request } from "node:http";

/** One event of a `text/event-stream`. */
export type ReceivedEvent = {
  readonly id: string | null;
  readonly name: string;
  readonly data: string;
  /** The event as it came, without the empty line. */
  readonly text: string;
};

export type EventStream = {
  readonly status: number;
  /** The next event; null once the server has ended or cut the stream. */
  readonly next: () => Promise<ReceivedEvent | null>;
  /** Stops reading from the socket; events that have come can still be taken. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Cuts the connection. */
  readonly close: () => void;
  /** Whether the server has ended (`ended`) or cut (`cut`) the stream. */
  readonly outcome: () => Promise<"ended" | "cut">;
};

const parseEvent = (text: string): ReceivedEvent => {
  let id: string | null = null;
  let name = "message";
  const data: string[] = [];
  for (const line of text.split("\n")) {
    const [, field = "", value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (field === "id") id = value;
    if (field === "event") name = value;
    if (field === "data") data.push(value);
  }
  return { id, name, data: data.join("\n"), text };
};

/** Hands out what was put in, in order; null for ever once it is closed and empty. */
const createMailbox = <Item>() => {
  const items: Item[] = [];
  const takers: ((item: Item | null) => void)[] = [];
  let isClosed = false;
  return {
    put: (item: Item): void => {
      const taker = takers.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    close: (): void => {
      isClosed = true;
      for (const taker of takers.splice(0)) taker(null);
    },
    take: (): Promise<Item | null> => {
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      if (isClosed) return Promise.resolve(null);
      return new Promise((resolve) => takers.push(resolve));
    },
  };
};

const follow = (response: IncomingMessage): EventStream => {
  const events = createMailbox<ReceivedEvent>();
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) events.put(parseEvent(part));
  });
  const outcome = new Promise<"ended" | "cut">((resolve) => {
    response.on("error", () => {});
    response.on("close", () => {
      events.close();
      resolve(response.complete ? "ended" : "cut");
    });
  });
  return {
    status: response.statusCode ?? 0,
    next: events.take,
    pause: () => response.pause(),
    resume: () => response.resume(),
    close: () => response.destroy(),
    outcome: () => outcome,
  };
};

/** Opens a stream on a connection of its own, and answers when its headers have come. */
export const openEvents = (
  url: string,
  headers: { readonly [name: string]: string } = {},
): Promise<EventStream> =>
  new Promise((resolve, reject) => {
    const asked = request(url, {
      agent: false,
      headers: { accept: "text/event-stream", ...headers },
    });
    asked.on("response", (response) => resolve(follow(response)));
    asked.on("error", reject);
    asked.end();
  });
