import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Between a store and its database: counts their turns, and cuts the line at any byte. */
export type CuttingProxy = {
  /** An address of the database, through here. */
  readonly through: (url: string) => string;
  /** How often the database was waited for since the last call. */
  readonly takeRoundTrips: () => number;
  readonly takeBytes: () => { readonly sent: number; readonly answered: number };
  /** Cuts every connection once this many bytes more have gone in a direction; null: never. */
  readonly cutAfter: (direction: "sent" | "answered", bytes: number | null) => void;
  /** Cuts the next connection on which this text is sent, once it has arrived and before it is answered. */
  readonly cutAnswerTo: (text: string) => void;
  readonly close: () => void;
};

type Direction = "sent" | "answered";

/** What has passed, and what may pass yet. */
class Passage {
  readonly counts = { sent: 0, answered: 0 };
  readonly left: { sent: number | null; answered: number | null } = { sent: null, answered: null };
  unanswered: string | null = null;
  trips = 0;
  #isOurTurn = true;

  pass(from: Socket, to: Socket, direction: Direction): void {
    from.on("data", (chunk) => this.#take(Buffer.from(chunk), { from, to, direction }));
    from.on("close", () => to.destroy());
    from.on("error", () => to.destroy());
  }

  #take(
    chunk: Buffer,
    { from, to, direction }: { from: Socket; to: Socket; direction: Direction },
  ): void {
    if (direction === "sent" && this.#isOurTurn) this.trips += 1;
    this.#isOurTurn = direction === "answered";
    this.counts[direction] += chunk.length;
    if (direction === "sent" && this.unanswered !== null && chunk.includes(this.unanswered)) {
      this.unanswered = null;
      this.left.answered = 1;
    }
    const allowed = this.left[direction];
    if (allowed === null || allowed > chunk.length) {
      if (allowed !== null) this.left[direction] = allowed - chunk.length;
      to.write(chunk);
      return;
    }
    this.left[direction] = null;
    // What was let through arrives; the rest, and every answer, does not.
    if (direction === "sent") to.end(chunk.subarray(0, allowed));
    else to.destroy();
    from.destroy();
  }
}

export const startCuttingProxy = async (url: string): Promise<CuttingProxy> => {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const passage = new Passage();
  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname);
    for (const socket of [client, database]) {
      socket.setNoDelay(true);
      sockets.add(socket);
    }
    passage.pass(client, database, "sent");
    passage.pass(database, client, "answered");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    through: (from) => {
      const at = new URL(from);
      at.port = `${port}`;
      return at.href;
    },
    takeRoundTrips: () => {
      const taken = passage.trips;
      passage.trips = 0;
      return taken;
    },
    takeBytes: () => {
      const taken = { ...passage.counts };
      Object.assign(passage.counts, { sent: 0, answered: 0 });
      return taken;
    },
    cutAfter: (direction, bytes) => {
      passage.left[direction] = bytes;
    },
    cutAnswerTo: (text) => {
      passage.unanswered = text;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
