import { connect, type Socket } from "node:net";

/** What came back: the status and, in one piece, the body as it was framed. */
export type Exchange = { readonly status: number; readonly body: Buffer };

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("\r\n0\r\n\r\n");

type Waiting = {
  readonly resolve: (exchange: Exchange) => void;
  readonly reject: (error: Error) => void;
};

/** What is known of the answer that is coming in; null until its headers are whole. */
type Head = {
  readonly status: number;
  readonly bodyAt: number;
  /** Null: chunked, to the last chunk. */
  readonly length: number | null;
};

const readHead = (bytes: Buffer): Head | null => {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1) return null;
  const text = bytes.toString("latin1", 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  return {
    status: Number(text.slice(9, 12)),
    bodyAt: end + HEAD_END.length,
    length: length === undefined ? null : Number(length),
  };
};

const isWhole = (head: Head, bytes: Buffer): boolean =>
  head.length === null
    ? bytes.subarray(Math.max(head.bodyAt - 2, bytes.length - LAST_CHUNK.length)).equals(LAST_CHUNK)
    : bytes.length >= head.bodyAt + head.length;

/**
 * One kept connection that sends requests made beforehand, one at a time, and does no more with an
 * answer than find its end: a client's own work must not be what a benchmark measures. Answers may
 * be framed by `Content-Length` or in chunks; nothing else is understood.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #waiting: Waiting | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | null = null;

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    return new HttpConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** Sends a whole request as it is. Rejects if the connection ends before the answer does. */
  exchange(request: Buffer): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#head ??= readHead(this.#bytes);
    const head = this.#head;
    if (head === null || !isWhole(head, this.#bytes)) return;
    const waiting = this.#waiting;
    const exchange = { status: head.status, body: this.#bytes.subarray(head.bodyAt) };
    this.#waiting = null;
    this.#head = null;
    this.#bytes = Buffer.alloc(0);
    waiting?.resolve(exchange);
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
