import type { Socket, SocketMaker } from "../src/transport/open-socket.ts";

type Listener = Parameters<Socket["addEventListener"]>[1];

/** A WebSocket that does what the test says, and nothing by itself. */
export class ScriptedSocket implements Socket {
  readonly url: string;
  readonly protocol: string;
  /** What the client sent, as data. */
  readonly sent: { readonly [name: string]: unknown }[] = [];
  isClosed = false;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
  }

  addEventListener(name: string, listener: Listener): void {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  send(text: string): void {
    if (!this.isClosed) this.sent.push(JSON.parse(text) as { [name: string]: unknown });
  }

  /** As in a browser: `close` is told later, if at all. */
  close(): void {
    this.isClosed = true;
  }

  #tell(name: string, event: Parameters<Listener>[0]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event);
  }

  /** The handshake is done. */
  open(): void {
    this.#tell("open", {});
  }

  /** A frame arrives: data, or a text as it is. */
  say(frame: object | string): void {
    this.#tell("message", { data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  sayBytes(bytes: Uint8Array): void {
    this.#tell("message", { data: bytes });
  }

  /** The connection is over: 1006 where nobody said why. */
  end(code = 1006): void {
    if (code === 1006) this.#tell("error", {});
    this.#tell("close", { code });
  }
}

/** Hands out scripted sockets, and keeps them. */
export const scriptSockets = (): {
  readonly maker: SocketMaker;
  readonly sockets: readonly ScriptedSocket[];
} => {
  const sockets: ScriptedSocket[] = [];
  const maker: SocketMaker = class extends ScriptedSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      sockets.push(this);
    }
  };
  return { maker, sockets };
};
