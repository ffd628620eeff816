import { createServer, type Socket } from "node:net";

export type RawRequest = {
  /** Counted from 0, over all connections. */
  readonly index: number;
  /** Request line and headers. */
  readonly head: string;
  readonly body: Buffer;
  readonly socket: Socket;
};

export type RawServer = {
  readonly url: string;
  readonly requests: readonly RawRequest[];
  readonly stop: () => Promise<void>;
};

const wholeRequest = (bytes: Buffer): { readonly head: string; readonly end: number } | null => {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return bytes.length < end ? null : { head, end };
};

/** A server of the loopback address that says exactly the bytes that `answer` writes, and nothing by itself. */
export const startRawServer = async (
  answer: (request: RawRequest) => unknown,
): Promise<RawServer> => {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const whole = wholeRequest(bytes);
      if (whole === null) return;
      const { head, end } = whole;
      const body = bytes.subarray(head.length + 4, end);
      bytes = bytes.subarray(end);
      const request = { index: requests.length, head, body, socket };
      requests.push(request);
      answer(request);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};

/** An answer's bytes. Without a length it ends where its connection does: nothing in HTTP tells a cut one. */
export const rawAnswer = (
  contentType: string,
  body: string,
  options: {
    readonly status?: string;
    readonly framing?: "length" | "chunked" | "close";
    readonly headers?: readonly string[];
  } = {},
): Buffer => {
  const { status = "200 OK", framing = "length", headers = [] } = options;
  const bytes = Buffer.from(body);
  const frame = {
    length: [`content-length: ${bytes.length}`],
    chunked: ["transfer-encoding: chunked"],
    close: [],
  }[framing];
  const lines = [
    `HTTP/1.1 ${status}`,
    `content-type: ${contentType}`,
    "connection: close",
    ...frame,
    ...headers,
  ];
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  if (framing !== "chunked") return Buffer.concat([head, bytes]);
  const chunk = Buffer.from(`${bytes.length.toString(16)}\r\n`);
  return Buffer.concat([head, chunk, bytes, Buffer.from("\r\n0\r\n\r\n")]);
};
