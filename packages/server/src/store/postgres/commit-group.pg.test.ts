import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pause } from "../../../testing/postgres/pause.ts";
import { startPostgres, type TestPostgres } from "../../../testing/postgres/start-postgres.ts";
import type { TestDatabase } from "../../../testing/postgres/test-database.ts";
import { systemRuntime } from "../../system-runtime.ts";
import {
  at,
  committed,
  declared,
  expectTrueDigests,
  pullRequest,
  pullRun,
  pushTo,
  refused,
  space,
  start,
  write,
} from "../store-harness.contract.ts";
import { StoreUnavailableError } from "../store-unavailable-error.ts";
import type { StoreOptions, StorePush } from "../store.ts";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.fixture.ts";
import {
  createRecordDatabase,
  migrateDatabase,
  openNode,
  openPool,
} from "./postgres-harness.contract.ts";
import type { PostgresStore } from "./postgres-store.ts";

const options: StoreOptions = {
  runtime: systemRuntime,
  collections: declared,
  limits: defaultLimits,
};

const spaceOf = (name: string): SpaceId => name as SpaceId;

const pushOf = (changes: StorePush["changes"], of: SpaceId): StorePush => ({
  space: of,
  changes,
  checksClocks: true,
  clientId: "c1",
  now: start,
});

let database: TestDatabase;
let proxy: CuttingProxy;
/** Through the proxy, with one connection for all that is short. */
let far: PostgresStore;
/** Straight to the database. */
let near: PostgresStore;

beforeAll(async () => {
  database = await createRecordDatabase();
  proxy = await startCuttingProxy(database.appUrl);
  const through = proxy.through(database.appUrl);
  far = await openNode(database, { ...options, pool: openPool(through, 1) });
  near = await openNode(database, options);
});

afterAll(async () => {
  proxy.cutAfter("sent", null);
  await far.close();
  await near.close();
  proxy.close();
  await database.drop();
});

describe("round trips", () => {
  /** All turns, that of the COMMIT which a read does not wait for included. */
  const tripsOf = async (work: () => Promise<unknown>): Promise<number> => {
    await pause(20);
    proxy.takeRoundTrips();
    await work();
    await pause(20);
    return proxy.takeRoundTrips();
  };

  test("of a push are three, whatever the batch; four with evidence or refusals, two more in a new space", async () => {
    const of = { space: spaceOf("trips") };
    const many = (count: number, micros: number): StorePush["changes"] =>
      Array.from({ length: count }, (_, n) => write(`k${n}`, at(micros), { n }));
    expect(await tripsOf(() => pushTo(far, [write("first", at(1), {})], of))).toBe(5);
    const known = [write("first", at(2), {}, { base: 1 })];
    expect(await tripsOf(() => pushTo(far, known, of))).toBe(3);
    expect(await tripsOf(() => pushTo(far, many(2_000, 1), of))).toBe(3);
    expect(await tripsOf(() => pushTo(far, many(2_000, 3), of))).toBe(4);
    expect(await tripsOf(() => pushTo(far, [refused("bad_key", "x")], of))).toBe(4);
    // Nothing to write: the lock alone.
    expect(await tripsOf(() => pushTo(far, many(5, 3), of))).toBe(2);
  });

  test("of a pull is one, and one more where the answer is a reset", async () => {
    await pushTo(far, [write("a", at(1), {})]);
    const { position } = await pullRun(far);
    expect(await tripsOf(() => far.pull(pullRequest()))).toBe(1 + 1);
    expect(await tripsOf(() => far.pull(pullRequest({ cursor: position })))).toBe(1 + 1);
    expect(await tripsOf(() => far.pull(pullRequest({ cursor: "invalid" })))).toBe(2 + 1);
  });

  test("pushes that wait for one space share a transaction", async () => {
    const commits: { readonly pushes: number; readonly records: number }[] = [];
    const through = proxy.through(database.appUrl);
    const store = await openNode(database, {
      ...options,
      pool: openPool(through, 1),
      onCommit: (commit) => commits.push(commit),
    });
    const of = { space: spaceOf("shared") };
    await pushTo(store, [write("first", at(1), {})], of);
    await Promise.all(
      Array.from({ length: 64 }, (_, n) => pushTo(store, [write(`k${n}`, at(1), { n })], of)),
    );
    expect(commits).toEqual([
      { pushes: 1, records: 1 },
      { pushes: 64, records: 64 },
    ]);
    await store.close();
  });
});

describe("a connection that is cut", () => {
  const changesOf = (round: number): StorePush["changes"] => [
    write(`cut-${round}`, at(1), { round }),
    write("all", at(round + 1), { round }),
    refused("bad_key", `${round}`),
  ];

  let pushed = 0;

  /** Pushes over a line that is about to be cut, and looks at what came of it. Answers whether it was applied. */
  const pushCut = async (of: SpaceId, cut: () => void): Promise<boolean> => {
    const push = () => far.push(pushOf(changesOf(pushed), of));
    // Statements are prepared, and a connection stands.
    pushed += 1;
    await push();
    pushed += 1;
    const before = await near.describeSpace(of);
    cut();
    const outcome = await push().catch((error: unknown) => error);
    proxy.cutAfter("sent", null);
    proxy.cutAfter("answered", null);
    const after = await near.describeSpace(of);
    const isApplied = after?.head !== before?.head;
    const head = (before?.head ?? 0) + 2;
    if (isApplied) expect(after?.head).toBe(head);
    else expect(after).toEqual(before);
    // What was acknowledged is there.
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StoreUnavailableError);
    else expect(isApplied).toBe(true);
    await expectTrueDigests(near, of);
    // The same again is answered, and is there once.
    expect(committed(await push()).changed).toBe(isApplied ? 0 : 2);
    expect((await near.describeSpace(of))?.head).toBe(head);
    const [kept] = await near.listRejections(of, { clientId: null, limit: 1 });
    expect(kept?.body).toBe(`${pushed}`);
    return isApplied;
  };

  test.each(["sent", "answered"] as const)(
    "[STORE-1] [STORE-7] at any byte of what is %s: all of a push stands or nothing, and a repeat finds out",
    async (direction) => {
      const of = spaceOf(`cut-${direction}`);
      await far.push(pushOf(changesOf(0), of));
      proxy.takeBytes();
      await far.push(pushOf(changesOf(0), of));
      const total = proxy.takeBytes()[direction];
      let undone = 0;
      for (let place = 0; place <= total; place += Math.ceil(total / 40)) {
        if (!(await pushCut(of, () => proxy.cutAfter(direction, place)))) undone += 1;
      }
      expect(undone).toBeGreaterThan(20);
    },
  );

  test("[STORE-2] after the commit was sent: it is not acknowledged, and a repeat finds it", async () => {
    const of = spaceOf("cut-commit");
    // As it stands in its message, and nowhere within `READ COMMITTED`.
    const cut = (): void => proxy.cutAnswerTo("COMMIT\0");
    for (let count = 0; count < 5; count += 1) expect(await pushCut(of, cut)).toBe(true);
    cut();
    await expect(far.push(pushOf([write("last", at(1), {})], of))).rejects.toMatchObject({
      name: "StoreUnavailableError",
      reason: "unknown",
    });
  });

  test("[STORE-7] by the database: the push is unavailable, the next one passes", async () => {
    const of = spaceOf("terminated");
    await pushTo(near, [write("a", at(1), {})], { space: of });
    await database.sql("BEGIN", "SELECT 1");
    const pushes = Array.from({ length: 30 }, (_, n) =>
      near.push(pushOf([write(`k${n}`, at(1), {})], of)),
    );
    const settled = Promise.allSettled(pushes);
    for (let round = 0; round < 5; round += 1) {
      await database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'synchro test' AND datname = current_database()",
      );
    }
    for (const each of await settled) {
      if (each.status === "rejected") expect(each.reason).toBeInstanceOf(StoreUnavailableError);
    }
    await pushTo(near, [write("z", at(1), {})], { space: of });
    await expectTrueDigests(near, of);
  });
});

describe("locks", () => {
  test("[STORE-4] a transaction that holds a space for long hides nothing, and holds up no other space", async () => {
    const of = spaceOf("held");
    await pushTo(near, [write("a", at(1), {})], { space: of });
    const { position } = await pullRun(near, { space: of });
    const client = openPool(database.appUrl, 1);
    let letGo = (): void => {};
    const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
    const holding = client.transaction({ space: of }, async (tx) => {
      const text = "SELECT 1 FROM synchro.spaces WHERE space = $1 FOR UPDATE";
      await tx.read({ name: "hold", text }, [of]);
      await isLetGo;
    });
    await pause(100);
    const pushes = [near, far].map((node, index) =>
      node.push(pushOf([write(`w${index}`, at(1), {})], of)),
    );
    const settled = new Set<unknown>();
    for (const push of pushes) void push.finally(() => settled.add(push));
    await pushTo(near, [write("other", at(1), {})], { space: spaceOf("free") });
    expect(await near.pull(pullRequest({ space: of, cursor: position }))).toMatchObject({
      records: [],
      position,
    });
    expect(settled.size).toBe(0);
    letGo();
    await holding;
    const heads = (await Promise.all(pushes)).map((each) => committed(each).position.seq);
    expect(heads.toSorted((a, b) => a - b)).toEqual([2, 3]);
    const { records } = await pullRun(near, { space: of, cursor: position });
    expect(records.map(({ seq }) => seq)).toEqual([2, 3]);
    await client.close();
  });

  test("[EPOCH-5] a push that waited while another node began an epoch belongs to the new one", async () => {
    const of = spaceOf("epochs");
    await pushTo(near, [write("a", at(1), {})], { space: of });
    for (let round = 0; round < 10; round += 1) {
      const [begun, pushed] = await Promise.all([
        far.beginEpoch(of),
        pushTo(near, [write(`k${round}`, at(1), {})], { space: of }),
      ]);
      expect(begun.kind).toBe("begun");
      const state = await near.describeSpace(of);
      const names = state?.epochs.map(({ epoch }) => epoch) ?? [];
      // None comes back, and the one begun is the last.
      expect(new Set(names).size).toBe(names.length);
      expect(begun).toMatchObject({ epoch: names.at(-1) });
      expect(names).toContain(pushed.position.epoch);
    }
  });
});

describe("a server that is killed", () => {
  let server: TestPostgres;

  beforeAll(async () => {
    server = await startPostgres({ fsync: "on", synchronous_commit: "on" });
  });

  afterAll(() => server.dispose());

  test("[STORE-2] has all that was acknowledged when it comes back", async () => {
    const own = await server.createDatabase();
    await migrateDatabase(own);
    const store = await openNode(own, options);
    const acknowledged = new Set<string>();
    const over = new AbortController();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        const key = `w${writer}-${n}`;
        try {
          await pushTo(store, [write(key, at(1), { n })], { space });
          acknowledged.add(key);
        } catch (error) {
          expect(error).toBeInstanceOf(StoreUnavailableError);
          await pause(20);
        }
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const reached = acknowledged.size + 40;
      while (acknowledged.size < reached) {
        await pause(10);
      }
      await server.stop("kill");
      await server.start();
    }
    over.abort();
    await Promise.all(writers);
    const { records } = await pullRun(store);
    const keys = new Set(records.map(({ key }) => key));
    expect([...acknowledged].filter((key) => !keys.has(key))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(120);
    await expectTrueDigests(store);
    await store.close();
  });
});
