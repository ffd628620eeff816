import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { startNats } from "../../../../testing/start-nats.ts";
import { startTcpProxy, type TcpProxy } from "../../../../testing/tcp-proxy.ts";
import { until } from "../../../../testing/until.ts";
import { systemRuntime } from "../../../system-runtime.ts";
import { type BusGround, type BusNode, describeBusContract } from "../bus.contract.ts";
import { silentObserver } from "../bus-observer.ts";
import { LinkedBus } from "../linked-bus.ts";
import type { NatsPlace } from "../nats-place.ts";
import { dialNats } from "./dial-nats.ts";

const placeAt = (port: number): NatsPlace => ({
  servers: [`127.0.0.1:${port}`],
  user: null,
  password: null,
  isEncrypted: false,
  subject: "synchro.hints",
});

const deps = { runtime: systemRuntime, observer: silentObserver };

describeBusContract("NATS", async (): Promise<BusGround> => {
  const nats = await startNats();
  const proxies: TcpProxy[] = [];
  const join = async (): Promise<BusNode> => {
    const proxy = await startTcpProxy({ host: "127.0.0.1", port: nats.port }, proxies.length);
    proxies.push(proxy);
    return {
      bus: new LinkedBus(deps, dialNats(placeAt(proxy.port))),
      blackhole: proxy.blackhole,
      heal: proxy.heal,
      cut: async () => proxy.cut(),
    };
  };
  return {
    join,
    stop: nats.stop,
    start: nats.start,
    inject: async (payload) => {
      const stranger = await connect({ servers: `127.0.0.1:${nats.port}` });
      stranger.publish("synchro.hints", payload);
      stranger.publish("synchro.hints", new Uint8Array([0xff, 0xfe, 0x00, 0x3a, 0x31]));
      await stranger.drain();
    },
    close: async () => {
      for (const proxy of proxies) await proxy.close();
      await nats.stop();
    },
  };
});

test("a server that asks for a password gets it, and lets in nobody without", async () => {
  const nats = await startNats("--user", "node", "--pass", "s3cret/ä");
  const place = placeAt(nats.port);
  let gaps = 0;
  const refusals: string[] = [];
  const observer = { ...silentObserver, onDown: (reason: string) => void refusals.push(reason) };
  const stranger = new LinkedBus({ ...deps, observer }, dialNats(place));
  const bus = new LinkedBus(deps, dialNats({ ...place, user: "node", password: "s3cret/ä" }));
  bus.listen({ onHint: () => {}, onGap: () => (gaps += 1) });
  await until("it is let in", () => gaps === 1);
  await until("the other is refused", () => refusals.length === 1);
  expect(refusals[0]).toMatch(/authorization/i);
  await Promise.all([bus.close(), stranger.close()]);
  await nats.stop();
});

test("hints of another name on the same server are not ours", async () => {
  const nats = await startNats();
  const place = placeAt(nats.port);
  const told: number[] = [];
  let gaps = 0;
  const join = (subject: string): LinkedBus => {
    const bus = new LinkedBus(deps, dialNats({ ...place, subject }));
    bus.listen({ onHint: ({ seq }) => void told.push(seq), onGap: () => (gaps += 1) });
    return bus;
  };
  const [a, b, other] = [join("shops.hints"), join("shops.hints"), join("others.hints")];
  await until("all are connected", () => gaps === 3);
  other.publish({ space: "shop-1" as never, seq: 1 });
  a.publish({ space: "shop-1" as never, seq: 2 });
  await until("ours arrives", () => told.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(told).toEqual([2]);
  await Promise.all([a.close(), b.close(), other.close()]);
  await nats.stop();
});
