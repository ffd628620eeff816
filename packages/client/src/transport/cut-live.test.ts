import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type RawServer, startRawServer } from "../../testing/raw-server.ts";
import { webRuntime } from "../runtime/web-runtime.ts";
import { createHttpTransport } from "./http-transport.ts";
import { createLiveTransport } from "./live-transport.ts";
import type { Page, PullFrom, StreamEnd, Transport } from "./transport.ts";

const from: PullFrom = {
  cursor: null,
  ack: null,
  collections: null,
  tombstones: false,
  limit: null,
};

/** What a server appends to a client's key before it hashes it (RFC 6455, section 1.3). */
const HANDSHAKE_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const handshake = (head: string): Buffer => {
  const key = /^sec-websocket-key: (.+)$/im.exec(head)?.[1]?.trim() ?? "";
  const accept = createHash("sha1").update(`${key}${HANDSHAKE_ID}`).digest("base64");
  return Buffer.from(
    [
      "HTTP/1.1 101 Switching Protocols",
      "upgrade: websocket",
      "connection: Upgrade",
      `sec-websocket-accept: ${accept}`,
      "sec-websocket-protocol: synchro.v2",
      "\r\n",
    ].join("\r\n"),
  );
};

/** A whole text frame, unmasked, as servers send them. */
const textFrame = (data: object): Buffer => {
  const text = Buffer.from(JSON.stringify(data));
  const length =
    text.length < 126 ? [text.length] : [126, Math.floor(text.length / 256), text.length % 256];
  return Buffer.concat([Uint8Array.of(0x81, ...length), text]);
};

const closeFrame = Uint8Array.of(0x88, 2, 0x03, 0xe8);

const record = (key: string, seq: number) => ({
  collection: "readings",
  key,
  seq,
  updated_at: "2026-11-24T10:00:00Z",
  value: { note: "é😀\n" },
});
const digest = { at: 3, collections: { readings: { count: 3, sum: "9f3c5a0e1b2d4c68" } } };
const pages = [
  { type: "changes", space: "s", cursor: "c1", more: true, changes: [record("é", 1)] },
  { type: "changes", space: "s", cursor: "c2", more: false, changes: [record("😀", 2)], digest },
] as const;

const welcome = textFrame({ type: "welcome", now: "2026-11-24T10:01:02.123456Z" });
const frames = Buffer.concat([
  welcome,
  textFrame({ type: "subscribed", id: "s", space: "s" }),
  ...pages.map(textFrame),
  closeFrame,
]);

const live = (): AbortSignal => new AbortController().signal;

let server: RawServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const isUpgrade = (head: string): boolean => /^upgrade: websocket/im.test(head);

const open = async (answer: Parameters<typeof startRawServer>[0]): Promise<Transport> => {
  server = await startRawServer((request) => {
    // By HTTP there is nothing to be had here.
    if (isUpgrade(request.head)) return answer(request);
    return request.socket.destroy();
  });
  const deps = { url: server.url, space: "s", getToken: async () => null, runtime: webRuntime };
  // How long a machine takes that has other work is not the subject.
  const limits = { socketMsMin: 0, socketOpenMs: 60_000 };
  return createLiveTransport(createHttpTransport(deps), { ...deps, limits, webSocket: WebSocket });
};

type Outcome = { readonly end: StreamEnd; readonly seen: readonly Page[] };

const follow = async (transport: Transport): Promise<Outcome> => {
  const seen: Page[] = [];
  const onPage = async (page: Page): Promise<"go on"> => {
    seen.push(page);
    return "go on";
  };
  return { end: await transport.follow(from, onPage, live()), seen };
};

test.each(["resetAndDestroy", "end"] as const)(
  "a WebSocket cut at each byte (%s) never gives half a page, nor an end in good order",
  async (cut) => {
    const handshakeBytes = handshake("").length;
    // What the close itself says, but its code, is the end already.
    const bytesMax = handshakeBytes + frames.length - closeFrame.length;
    // One place in the handshake is like another, but its end.
    let cuts = handshakeBytes - 20;
    let whole = 0;
    const transport = await open(({ head, socket }) => {
      cuts += 1;
      const bytes = Buffer.concat([handshake(head), frames]);
      socket.write(bytes.subarray(0, cuts), () => void socket[cut]());
    });
    const askOn = async (): Promise<void> => {
      for (;;) {
        if (cuts > bytesMax - 8) return;
        const { end, seen } = await follow(transport);
        expect(seen).toEqual(pages.slice(0, seen.length));
        expect(end.kind).toBe("unreachable");
        whole += seen.length;
      }
    };
    await Promise.all(Array.from({ length: 8 }, askOn));
    // It was no empty test: some connections lived long enough to bring something.
    expect(whole).toBeGreaterThan(cut === "end" ? 100 : 0);
  },
  120_000,
);

test("a WebSocket one byte at a time", async () => {
  const transport = await open(async ({ head, socket }) => {
    for (const byte of Buffer.concat([handshake(head), frames])) {
      socket.write(Uint8Array.of(byte));
      await setImmediate();
    }
    socket.end();
  });
  expect(await follow(transport)).toEqual({ end: { kind: "ended" }, seen: pages });
});
