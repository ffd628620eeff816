import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { MemoryDisk } from "../../packages/server/src/store/memory/memory-disk.ts";
import { MemoryStore } from "../../packages/server/src/store/memory/memory-store.ts";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../packages/server/testing/start-test-server.ts";
// @ts-expect-error -- the page's client is plain JavaScript
import { MinimalClient as Untyped } from "./minimal-client.mjs";
import { V1Client } from "./v1-client.ts";

type V2Client = {
  readonly edit: (collection: string, key: string, value: object | null) => void;
  readonly sync: () => Promise<void>;
  readonly state: {
    readonly records: {
      readonly [id: string]: {
        readonly key: string;
        readonly value?: { readonly expiration_date: string };
      };
    };
  };
};

const MinimalClient = Untyped as new (options: {
  readonly file: string;
  readonly url: string;
}) => V2Client;

const servers: TestServer[] = [];

const start = async (options?: TestServerOptions): Promise<TestServer> => {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
};

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

type Device = { readonly client: V1Client; readonly restart: () => V1Client };

type DeviceOptions = { readonly fetch?: typeof fetch; readonly now?: () => number };

/** A device that keeps what it is told to save, and nothing else, over a restart. */
const device = (server: TestServer, options: DeviceOptions = {}, shop = "malmo-1"): Device => {
  let saved: string | null = null;
  const restart = (): V1Client =>
    new V1Client({
      url: `${server.url}/v1/sync/?shop=${shop}`,
      saved,
      save: (text) => (saved = text),
      ...options,
    });
  return { client: restart(), restart };
};

const folder = mkdtempSync(join(tmpdir(), "synchro-v1-client-"));
let files = 0;

const v2Device = (server: TestServer, shop = "malmo-1"): V2Client => {
  files += 1;
  const file = join(folder, `${files}.json`);
  return new MinimalClient({ file, url: `${server.url}/v2/spaces/${shop}/sync` });
};

const instant = (date: string): number => Date.parse(date);

const heldOf = (client: V1Client): ReadonlyMap<string, number> =>
  new Map([...client.readings].map(([gtin, held]) => [gtin, instant(held.expiration_date)]));

const heldOfV2 = ({ state }: V2Client): ReadonlyMap<string, number> =>
  new Map(
    Object.values(state.records).flatMap(({ key, value }) =>
      value === undefined ? [] : [[key, instant(value.expiration_date)] as const],
    ),
  );

const heldByServer = async (server: TestServer, shop = "malmo-1") => {
  const response = await fetch(`${server.url}/v1/readings/?shop=${shop}`);
  const { data } = (await response.json()) as {
    readonly data: readonly { readonly gtin: string; readonly expiration_date: string }[];
  };
  return new Map(data.map((each) => [each.gtin, instant(each.expiration_date)]));
};

/** Every `fetch` that `isLost` names is answered by the server, and the answer never arrives. */
const losing = (isLost: (call: number) => boolean, bodies: unknown[] = []): typeof fetch => {
  let calls = 0;
  return async (input, init) => {
    calls += 1;
    const call = calls;
    bodies.push(init?.body);
    const response = await fetch(input, init);
    if (!isLost(call)) return response;
    await response.body?.cancel();
    throw new TypeError("the connection was lost");
  };
};

const hours = (count: number) => (): number => Date.now() + count * 3_600_000;

describe("what goes wrong", () => {
  test("offline: edits are kept over a restart, and go out when there is a network", async () => {
    const server = await start();
    let isOnline = false;
    const flaky: typeof fetch = (input, init) =>
      isOnline ? fetch(input, init) : Promise.reject(new TypeError("no network"));
    const { client, restart } = device(server, { fetch: flaky });
    client.edit("milk", "2026-12-01");
    await expect(client.sync()).rejects.toThrow("no network");
    const later = restart();
    expect(later.status.unsent).toBe(1);
    expect(heldOf(later)).toEqual(new Map([["milk", instant("2026-12-01")]]));
    isOnline = true;
    await later.sync();
    expect(later.status.unsent).toBe(0);
    expect(await heldByServer(server)).toEqual(heldOf(later));
  });

  test("a lost answer: the same is sent again, and makes nothing twice", async () => {
    const server = await start();
    const bodies: unknown[] = [];
    const { client, restart } = device(server, { fetch: losing((call) => call === 1, bodies) });
    client.edit("milk", "2026-12-01");
    await expect(client.sync()).rejects.toThrow("lost");
    const later = restart();
    await later.sync();
    expect(bodies[1]).toBe(bodies[0]);
    expect(later.status.unsent).toBe(0);
    const bo = v2Device(server);
    await bo.sync();
    expect(Object.values(bo.state.records)).toMatchObject([{ key: "milk", seq: 1 }]);
  });

  test("[V1-19] one bad reading is set aside with its reason, and holds no other back", async () => {
    const server = await start();
    const { client, restart } = device(server);
    client.edit("milk", "2026-12-01");
    client.edit("bad", "next Tuesday");
    client.edit("", "2026-12-02");
    client.edit("cheese", "2026-12-24");
    await client.sync();
    expect(client.status.unsent).toBe(0);
    expect([...(await heldByServer(server)).keys()].toSorted()).toEqual(["cheese", "milk"]);
    expect(heldOf(client)).toEqual(await heldByServer(server));
    expect(restart().status.refused).toMatchObject([
      { reading: { gtin: "bad" }, reason: expect.stringContaining("expiration_date") },
      { reading: { gtin: "" }, reason: expect.stringContaining("gtin") },
    ]);
  });

  test("more bad readings than a 400 names are all set aside", async () => {
    const server = await start();
    const { client } = device(server);
    for (let index = 0; index < 250; index += 1) client.edit(`bad-${index}`, "soon");
    client.edit("milk", "2026-12-01");
    await client.sync();
    expect(client.status.refused).toHaveLength(250);
    expect([...client.readings.keys()]).toEqual(["milk"]);
  });

  test.each([
    ["a 503", new Response("busy", { status: 503 }), "503"],
    ["a 401", new Response("who are you", { status: 401 }), "401"],
    ["a login page", new Response("<html>", { status: 200 }), "JSON"],
    ["another's JSON", Response.json({ hello: "world" }), "no answer of Synchro"],
    ["another's 400", Response.json({ oops: true }, { status: 400 }), "refused"],
  ])("%s loses nothing", async (_, response, message) => {
    const server = await start();
    const { client, restart } = device(server, { fetch: async () => response.clone() });
    client.edit("milk", "2026-12-01");
    await expect(client.sync()).rejects.toThrow(message);
    expect([client.status.unsent, restart().status.unsent]).toEqual([1, 1]);
    expect(client.status.refused).toEqual([]);
  });

  test("what is edited while a request is on its way is not taken as sent", async () => {
    const server = await start();
    const { client } = device(server, {
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (client.readings.get("milk")?.expiration_date === "2026-12-01") {
          client.edit("milk", "2026-12-02");
        }
        return response;
      },
    });
    client.edit("milk", "2026-12-01");
    await client.sync();
    expect(await heldByServer(server)).toEqual(new Map([["milk", instant("2026-12-02")]]));
    expect(client.status.unsent).toBe(0);
  });

  test("two calls at once are one exchange", async () => {
    const server = await start();
    const bodies: unknown[] = [];
    const { client } = device(server, { fetch: losing(() => false, bodies) });
    await Promise.all([client.sync(), client.sync()]);
    expect(bodies).toHaveLength(1);
  });

  test("a clock that was put back: an edit is later than what it replaces", async () => {
    const server = await start();
    const ahead = device(server, { now: hours(24) }).client;
    ahead.edit("milk", "2026-12-01");
    await ahead.sync();
    const behind = device(server, { now: hours(-24) }).client;
    await behind.sync();
    behind.edit("milk", "2026-12-02");
    await behind.sync();
    expect(await heldByServer(server)).toEqual(new Map([["milk", instant("2026-12-02")]]));
  });

  test("[V1-21] a backup was put back: what it lacks is offered, and deleted readings go", async () => {
    const disk = new MemoryDisk();
    const openStore: TestServerOptions["openStore"] = (of) => new MemoryStore(of, disk);
    const before = await start({ openStore });
    let url = before.url;
    const moved: typeof fetch = (_, init) => fetch(`${url}/v1/sync/?shop=malmo-1`, init);
    const anna = device(before, { fetch: moved }).client;
    for (const gtin of ["milk", "cheese"]) anna.edit(gtin, "2026-12-01");
    await anna.sync();
    const bo = v2Device(before);
    await bo.sync();
    bo.edit("readings", "cheese", null);
    await bo.sync();
    const backup = new MemoryDisk();
    [backup.spaces, backup.declared] = [disk.spaces, disk.declared];
    anna.edit("milk", "2026-12-02");
    anna.edit("bread", "2026-12-03");
    await anna.sync();
    expect([...anna.readings.keys()]).toContain("cheese");
    const after = await start({ openStore: (of) => new MemoryStore(of, backup) });
    url = after.url;
    await anna.sync();
    expect(await heldByServer(after)).toEqual(
      new Map([
        ["milk", instant("2026-12-02")],
        ["bread", instant("2026-12-03")],
      ]),
    );
    expect(heldOf(anna)).toEqual(await heldByServer(after));
  });
});

describe("at rest", () => {
  test("an edit that comes late arrives: a date would withhold it for ever", async () => {
    const server = await start();
    const [anna, bo] = [device(server, { now: hours(-2) }).client, device(server).client];
    anna.edit("cheese", "2026-12-24");
    bo.edit("bread", "2026-11-30");
    await bo.sync();
    const date = new Date(hours(-1)()).toISOString();
    await anna.sync();
    const byDate = await fetch(`${server.url}/v1/sync/?shop=malmo-1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ last_sync_date: date }),
    });
    expect(JSON.stringify(await byDate.json())).not.toContain("cheese");
    await bo.sync();
    expect(heldOf(bo)).toEqual(heldOf(anna));
    expect(heldOf(bo).size).toBe(2);
  });

  test("thousands of edits go out in parts", async () => {
    const server = await start();
    const [anna, bo] = [device(server).client, device(server).client];
    for (let index = 0; index < 2_500; index += 1) anna.edit(`g${index}`, "2026-12-01");
    await anna.sync();
    await bo.sync();
    expect(heldOf(bo).size).toBe(2_500);
    expect(heldOf(bo)).toEqual(heldOf(anna));
  });

  type Step =
    | { readonly what: "edit"; readonly who: 0 | 1 | 2; readonly key: string; readonly day: number }
    | { readonly what: "sync"; readonly who: 0 | 1 | 2 }
    | { readonly what: "restart"; readonly who: 0 | 1 };

  const who = fc.constantFrom(0 as const, 1 as const, 2 as const);
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      what: fc.constant("edit" as const),
      who,
      key: fc.constantFrom("a", "b", "__proto__"),
      day: fc.integer({ min: 1, max: 28 }),
    }),
    fc.record({ what: fc.constant("sync" as const), who }),
    fc.record({ what: fc.constant("restart" as const), who: fc.constantFrom(0, 1) }),
  );

  test("two clients of /v1 and one of /v2 agree, whatever they did, whatever was lost, whatever their clocks", async () => {
    const server = await start();
    let shops = 0;
    const steps = fc.array(step, { maxLength: 25 });
    const clocks = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
    const losses = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, clocks, losses, async (history, offsets, lost) => {
        shops += 1;
        const shop = `shop-${shops}`;
        const flaky = losing((call) => lost[call - 1] === true);
        const devices = offsets.map((offset) =>
          device(server, { fetch: flaky, now: hours(offset) }, shop),
        );
        const clients = devices.map(({ client }) => client);
        const v2 = v2Device(server, shop);
        for (const each of history) {
          const date = each.what === "edit" ? `2026-12-${String(each.day).padStart(2, "0")}` : "";
          const v1 = clients[each.who];
          if (each.what === "restart") {
            const restarted = devices[each.who]?.restart();
            if (restarted !== undefined) clients[each.who] = restarted;
          } else if (each.what === "sync") {
            await (v1 ?? v2).sync().catch(() => {});
          } else if (v1 !== undefined) {
            v1.edit(each.key, date);
          } else if (each.key !== "__proto__") {
            v2.edit("readings", each.key, { expiration_date: date });
          }
        }
        // The second round in a row that nothing disturbs brings to each what the others sent in the first.
        for (let [round, calm] = [0, 0]; calm < 2; round += 1) {
          expect(round).toBeLessThan(20);
          const tries = [...clients, v2].map((each) => each.sync.bind(each));
          let isCalm = true;
          for (const sync of tries) await sync().catch(() => (isCalm = false));
          calm = isCalm ? calm + 1 : 0;
        }
        const held = await heldByServer(server, shop);
        for (const client of clients) {
          expect(client.status.unsent).toBe(0);
          expect(heldOf(client)).toEqual(held);
        }
        expect(heldOfV2(v2)).toEqual(held);
      }),
      { numRuns: 25 },
    );
  });
});

test("the page shows this client", () => {
  const page = readFileSync(join(import.meta.dirname, "v1.md"), "utf8");
  const client = readFileSync(join(import.meta.dirname, "v1-client.ts"), "utf8");
  expect(page).toContain(`\`\`\`ts\n${client}\`\`\``);
});
