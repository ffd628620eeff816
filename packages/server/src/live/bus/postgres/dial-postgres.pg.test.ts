import type { SpaceId } from "@synchro/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres, type TestPostgres } from "../../../../testing/postgres/start-postgres.ts";
import { startTcpProxy, type TcpProxy } from "../../../../testing/tcp-proxy.ts";
import { until } from "../../../../testing/until.ts";
import { systemRuntime } from "../../../system-runtime.ts";
import { type BusGround, type BusNode, describeBusContract } from "../bus.contract.ts";
import { silentObserver } from "../bus-observer.ts";
import { LinkedBus } from "../linked-bus.ts";
import { dialPostgres } from "./dial-postgres.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.dispose());

let made = 0;

const openGround = async (): Promise<BusGround> => {
  const database = await server.createDatabase();
  const proxies: TcpProxy[] = [];
  const join = async (): Promise<BusNode> => {
    made += 1;
    const name = `node ${made}`;
    const proxy = await startTcpProxy({ host: "127.0.0.1", port: server.port }, made);
    proxies.push(proxy);
    const url = new URL(database.appUrl);
    url.port = String(proxy.port);
    const config = { connectionString: url.href, application_name: name };
    const deps = { runtime: systemRuntime, observer: silentObserver };
    return {
      bus: new LinkedBus(deps, dialPostgres(config)),
      blackhole: proxy.blackhole,
      heal: proxy.heal,
      cut: async () => {
        await database.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`,
        );
      },
    };
  };
  let isUp = true;
  return {
    join,
    stop: async () => {
      isUp = false;
      await server.stop();
    },
    start: async () => {
      await server.start();
      isUp = true;
    },
    inject: async (payload) => {
      await database.sql(`SELECT pg_notify('synchro_hints', $hostile$${payload}$hostile$)`);
    },
    close: async () => {
      for (const proxy of proxies) await proxy.close();
      if (!isUp) await server.start();
      await database.drop();
    },
  };
};

describeBusContract("LISTEN and NOTIFY of PostgreSQL", openGround);

test("a pooler that gives the session away is noticed: the node no longer listens", async () => {
  const ground = await openGround();
  const database = await server.createDatabase();
  const reasons: string[] = [];
  let gaps = 0;
  let unlisten = false;
  const dial = dialPostgres({ connectionString: database.appUrl, application_name: "pooled" });
  const bus = new LinkedBus(
    { runtime: systemRuntime, observer: { ...silentObserver, onDown: (why) => reasons.push(why) } },
    async (onPayload, signal) => {
      const line = await dial(onPayload, signal);
      // What a pooler does between two transactions, seen from here.
      const probe = (): Promise<void> =>
        unlisten ? Promise.reject(new Error("the session no longer listens")) : line.probe();
      return { ...line, probe };
    },
  );
  bus.listen({ onHint: () => {}, onGap: () => (gaps += 1) });
  await until("it is connected", () => gaps === 1);
  unlisten = true;
  await until("it is noticed", () => reasons.length > 0);
  unlisten = false;
  await until("it listens again", () => gaps === 2);
  expect(reasons).toEqual(["the session no longer listens"]);
  await bus.close();
  await ground.close();
  await database.drop();
});

test("what is sent waits for no disk, and holds the lock of all notifications for no longer than that", async () => {
  const database = await server.createDatabase();
  let gaps = 0;
  const deps = { runtime: systemRuntime, observer: silentObserver };
  const config = { connectionString: database.appUrl, application_name: "settings" };
  const bus = new LinkedBus(deps, dialPostgres(config));
  bus.listen({ onHint: () => {}, onGap: () => (gaps += 1) });
  await until("it is connected", () => gaps === 1);
  // A standby that must confirm, and is not there: other commits wait for it.
  await server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  await server.sql("SELECT pg_reload_conf()");
  try {
    let seq = 0;
    const other = new LinkedBus(deps, dialPostgres(config));
    const told: number[] = [];
    other.listen({ onHint: (hint) => void told.push(hint.seq), onGap: () => {} });
    const isTold = until("a hint arrives all the same", () => {
      seq += 1;
      bus.publish({ space: "shop-1" as SpaceId, seq });
      return told.length > 0;
    });
    expect(await isTold).toBe(true);
    await other.close();
  } finally {
    await bus.close();
    await server.sql("ALTER SYSTEM RESET synchronous_standby_names");
    await server.sql("SELECT pg_reload_conf()");
  }
  await database.drop();
});
