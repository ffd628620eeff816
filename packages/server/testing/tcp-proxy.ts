import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Socket,
} from "node:net";

/** A way over TCP that a test can spoil. */
export type TcpProxy = {
  readonly port: number;
  /** From now on bytes go into nothing, both ways and in new connections too; nobody is told. */
  readonly blackhole: () => void;
  /** Lets bytes through again. What was swallowed stays so: those connections are cut. */
  readonly heal: () => void;
  /** Cuts the connections that there are. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
};

/** A multiplicative generator (Park and Miller): the same cuts for the same seed. */
const createDraw = (seed: number): ((below: number) => number) => {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
};

/**
 * Listens on a free port of 127.0.0.1 and passes on to `target` what comes in, in pieces whose
 * lengths the seed decides: whoever takes a piece for a message is found out.
 */
export const startTcpProxy = async (target: NetConnectOpts, seed = 1): Promise<TcpProxy> => {
  const draw = createDraw(seed);
  const sockets = new Set<Socket>();
  let isBlack = false;
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      // The other end hears of it, unless nothing gets through.
      if (!isBlack) to.destroy();
    });
    from.on("data", (chunk: Buffer) => {
      if (isBlack) return;
      for (let at = 0; at < chunk.length;) {
        const end = at + 1 + draw(chunk.length);
        to.write(chunk.subarray(at, end));
        at = end;
      }
    });
  };
  const server = createServer((near) => {
    const far = connect(target);
    near.setNoDelay(true);
    far.setNoDelay(true);
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    blackhole: () => {
      isBlack = true;
    },
    heal: () => {
      isBlack = false;
      cut();
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
};
