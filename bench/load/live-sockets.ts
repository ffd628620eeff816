import { once } from "node:events";
import { LIVE_PATH, LIVE_SUBPROTOCOL } from "@synchro/protocol";
import { WebSocket } from "ws";

/** Handshakes that are under way at a time. */
const AT_ONCE = 50;

export type LiveSockets = {
  /** Resolves when each socket got a frame that this holds, with the milliseconds that each took from now on. */
  readonly arrivals: (holds: string) => Promise<readonly number[]>;
  /** The last frame that any of them got. */
  readonly last: () => string;
  readonly close: () => Promise<void>;
};

/** What a socket says once it is open, and how many frames it gets for it. */
export type Greeting = { readonly frames: readonly object[]; readonly answers: number };

const open = async (port: number, greeting: Greeting): Promise<WebSocket> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${LIVE_PATH}`, LIVE_SUBPROTOCOL, {
    perMessageDeflate: false,
  });
  await once(socket, "open");
  let answers = 0;
  const greeted = new Promise<void>((resolve) => {
    if (greeting.answers === 0) resolve();
    const count = (): void => {
      answers += 1;
      if (answers === greeting.answers) resolve();
    };
    socket.on("message", count);
  });
  for (const frame of greeting.frames) socket.send(JSON.stringify(frame));
  await greeted;
  socket.removeAllListeners("message");
  return socket;
};

/** So many sockets at a server, each of which has said and heard what begins its connection. */
export const openLiveSockets = async (
  port: number,
  count: number,
  greetingOf: (index: number) => Greeting,
): Promise<LiveSockets> => {
  const sockets: WebSocket[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    const opened = Array.from({ length: size }, (_, index) => open(port, greetingOf(from + index)));
    sockets.push(...(await Promise.all(opened)));
  }
  let last = "";
  return {
    last: () => last,
    arrivals: (holds) => {
      const startedAt = performance.now();
      const wanted = Buffer.from(holds);
      const waits = sockets.map(async (socket) => {
        for (;;) {
          const [data] = (await once(socket, "message")) as [Buffer];
          const tookMs = performance.now() - startedAt;
          if (!data.includes(wanted)) continue;
          last = data.toString();
          return tookMs;
        }
      });
      return Promise.all(waits);
    },
    close: async () => {
      const closed = sockets.map((socket) => once(socket, "close"));
      for (const socket of sockets) socket.terminate();
      await Promise.all(closed);
    },
  };
};

/** Says hello in open mode and follows one space. */
export const followingSpace = (space: string): Greeting => ({
  frames: [
    { type: "hello", protocol: 2 },
    { type: "subscribe", id: "1", space },
  ],
  answers: 3,
});

export const sayingNothing: Greeting = { frames: [], answers: 0 };
