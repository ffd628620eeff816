import type { LiveClientFrame, LiveServerFrame } from "@synchro/protocol";
import { LIVE_PATH, LIVE_SUBPROTOCOL } from "@synchro/protocol";
import { WebSocket } from "ws";

/** A frame of one type. */
export type FrameOf<Type extends LiveServerFrame["type"]> = Extract<
  LiveServerFrame,
  { readonly type: Type }
>;

/** How a connection ended. */
export type Closed = { readonly code: number; readonly reason: string };

/** A client of `/v2/live` that knows nothing but frames. */
export type LiveClient = {
  readonly socket: WebSocket;
  readonly send: (frame: LiveClientFrame) => void;
  /** Sends anything. */
  readonly sendRaw: (data: string | Buffer) => void;
  /** The next frame, which must be of this type. Rejects once the connection is closed. */
  readonly next: <Type extends LiveServerFrame["type"]>(type: Type) => Promise<FrameOf<Type>>;
  /** The text of the next frame. */
  readonly nextText: () => Promise<string>;
  /** Frames that came and were not taken. */
  readonly waiting: () => number;
  /** Every byte that came, as text. */
  readonly received: () => string;
  readonly closed: Promise<Closed>;
  readonly close: () => void;
};

export type LiveClientOptions = {
  readonly protocols?: readonly string[];
  readonly headers?: { readonly [name: string]: string };
  readonly path?: string;
};

/** Connects, and says nothing yet. Rejects where the server does not let it in. */
export const connectLive = async (
  url: string,
  { protocols = [LIVE_SUBPROTOCOL], headers = {}, path = LIVE_PATH }: LiveClientOptions = {},
): Promise<LiveClient> => {
  const socket = new WebSocket(url.replace(/^http/, "ws") + path, [...protocols], { headers });
  const texts: string[] = [];
  let received = "";
  let wake = (): void => {};
  let end: Closed | null = null;
  const closed = new Promise<Closed>((resolve) => {
    socket.once("close", (code, reason) => {
      end = { code, reason: reason.toString() };
      resolve(end);
      wake();
    });
  });
  socket.on("message", (data) => {
    const text = (data as Buffer).toString();
    received += text;
    texts.push(text);
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  const nextText = async (): Promise<string> => {
    for (;;) {
      const text = texts.shift();
      if (text !== undefined) return text;
      if (end !== null) throw new Error(`the connection is closed: ${JSON.stringify(end)}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    socket,
    send: (frame) => socket.send(JSON.stringify(frame)),
    sendRaw: (data) => socket.send(data),
    next: async (type) => {
      const text = await nextText();
      const frame = JSON.parse(text) as LiveServerFrame;
      if (frame.type !== type) throw new Error(`expected ${type}, got ${text.slice(0, 500)}`);
      return frame as FrameOf<typeof type>;
    },
    nextText,
    waiting: () => texts.length,
    received: () => received,
    closed,
    close: () => socket.terminate(),
  };
};

/** Connects and says who it is; `welcome` was taken. */
export const helloLive = async (
  url: string,
  token: string | null = null,
  options: LiveClientOptions = {},
): Promise<LiveClient> => {
  const client = await connectLive(url, options);
  client.send({ type: "hello", protocol: 2, ...(token === null ? {} : { token }) });
  await client.next("welcome");
  return client;
};
