import type { Runtime } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pause } from "../../../testing/postgres/pause.ts";
import { startPostgres, type TestPostgres } from "../../../testing/postgres/start-postgres.ts";
import { startReplica, type TestReplica } from "../../../testing/postgres/start-replica.ts";
import { databaseAt, type TestDatabase } from "../../../testing/postgres/test-database.ts";
import { readDatabaseAddress } from "../../postgres/database-address.ts";
import { PostgresPool } from "../../postgres/postgres-pool.ts";
import { systemRuntime } from "../../system-runtime.ts";
import { at, declared, pullRequest, pullRun, pushTo, write } from "../store-harness.contract.ts";
import type { StoreOptions } from "../store.ts";
import { migrateDatabase, openNode } from "./postgres-harness.contract.ts";
import type { PostgresStore } from "./postgres-store.ts";

const options: StoreOptions = {
  runtime: systemRuntime,
  collections: declared,
  limits: defaultLimits,
};

const replicaPool = (database: TestDatabase, runtime: Runtime = systemRuntime): PostgresPool =>
  new PostgresPool({
    address: readDatabaseAddress(database.appUrl, {}),
    runtime,
    times: { connectMs: 2_000, statementMs: 5_000, lockMs: 5_000, idleInTransactionMs: 20_000 },
    applicationName: "synchro test",
    role: "replica",
    allowsSuperuser: false,
    pipelines: true,
    bounds: { connectionsMax: 4, waitMs: 2_000, waitingMax: 100 },
  });

describe("pulls from a replica", () => {
  let primary: TestPostgres;
  let replica: TestReplica;
  let database: TestDatabase;
  let store: PostgresStore;

  beforeAll(async () => {
    primary = await startPostgres();
    database = await primary.createDatabase();
    await migrateDatabase(database);
    replica = await startReplica(primary);
    const pool = replicaPool(databaseAt(replica, database.name));
    store = await openNode(database, { ...options, replicas: [{ name: "r1", pool }] });
  });

  afterAll(async () => {
    await store.close();
    await replica.dispose();
    await primary.dispose();
  });

  const answeredBy = async (
    work: () => Promise<unknown>,
  ): Promise<{ readonly primary: number; readonly replica: number }> => {
    const before = store.readFigures();
    await work();
    const after = store.readFigures();
    return {
      primary: after.primary - before.primary,
      replica: (after.replicas[0]?.answered ?? 0) - (before.replicas[0]?.answered ?? 0),
    };
  };

  /** A replica that was behind a moment ago is not asked at once. */
  const rest = (ms = 40): Promise<void> => pause(ms);

  test("a space that it does not know yet is asked of the primary", async () => {
    expect(await answeredBy(() => store.pull(pullRequest()))).toEqual({ primary: 1, replica: 0 });
    await rest();
  });

  test("as long as it is fresh, no pull reaches the primary", async () => {
    await pushTo(store, [write("a", at(1), { n: 1 }), write("b", at(1), { n: 1 })]);
    await replica.catchUp();
    const { position } = await pullRun(store);
    const pulls = async (): Promise<void> => {
      for (let count = 0; count < 20; count += 1) {
        const answer = await store.pull(pullRequest({ cursor: position }));
        expect(answer).toMatchObject({ reset: null, position });
      }
      expect((await pullRun(store, { recordsMax: 1 })).records).toHaveLength(2);
    };
    expect(await answeredBy(pulls)).toEqual({ primary: 0, replica: 22 });
  });

  test("[PULL-8] what was acknowledged, or read, and it has not applied yet, comes from the primary", async () => {
    await replica.catchUp();
    const { position: before } = await pullRun(store);
    await replica.pauseReplay();
    try {
      const { position: ack } = await pushTo(store, [write("c", at(1), { n: 1 })]);
      // Who holds nothing newer is answered by the replica, as of the past.
      const stale = await store.pull(pullRequest({ cursor: before }));
      expect(stale).toMatchObject({ reset: null, records: [], position: before });
      const fresh = async (): Promise<void> => {
        const own = await store.pull(pullRequest({ cursor: before, ack }));
        expect(own).toMatchObject({ reset: null, records: [{ key: "c" }] });
        await rest();
        const again = await store.pull(pullRequest({ cursor: own.position }));
        expect(again).toMatchObject({ reset: null, records: [], head: ack.seq });
        await rest();
        // Told of a head by a hint.
        const hinted = await store.pull(pullRequest({ cursor: before, seqMin: ack.seq }));
        expect(hinted.records).toMatchObject([{ key: "c" }]);
      };
      expect(await answeredBy(fresh)).toEqual({ primary: 3, replica: 0 });
      const [lag] = await store.measureLag();
      expect(lag?.bytes).toBeGreaterThan(0);
      expect(lag?.seconds).toBeGreaterThan(0);
    } finally {
      await replica.resumeReplay();
    }
    await replica.catchUp();
    await rest();
    const after = await answeredBy(async () => {
      expect((await store.pull(pullRequest({ cursor: before }))).records).toHaveLength(1);
    });
    expect(after).toEqual({ primary: 0, replica: 1 });
  });

  test("[RESET-1] it says no reset: the primary does", async () => {
    await replica.catchUp();
    await rest();
    const answered = await answeredBy(async () => {
      const answer = await store.pull(pullRequest({ cursor: "invalid" }));
      expect(answer.reset).toBe("offer");
    });
    expect(answered).toEqual({ primary: 1, replica: 0 });
    await rest();
  });

  test("the page of a request with changes comes from the primary", async () => {
    const answered = await answeredBy(async () => {
      const { position } = await pushTo(store, [write("d", at(1), {})]);
      await store.pull(pullRequest({ startMax: position.seq, told: new Set([position.seq]) }));
      await store.pull(pullRequest({ startMax: position.seq }));
    });
    expect(answered).toEqual({ primary: 2, replica: 0 });
  });

  test("one that stalls, and one that is gone, cost time and no change", async () => {
    await replica.catchUp();
    const { position } = await pullRun(store);
    await pushTo(store, [write("e", at(1), {})]);
    // Stopped in its tracks: connections stay open and nothing is answered.
    process.kill(replica.pid(), "SIGSTOP");
    await replica.stop("kill");
    const since = systemRuntime.monotonicMs();
    const answer = await store.pull(pullRequest({ cursor: position, seqMin: 1 }));
    expect(answer.records).toMatchObject([{ key: "e" }]);
    expect(systemRuntime.monotonicMs() - since).toBeLessThan(3_000);
    const [figures] = store.readFigures().replicas;
    expect(figures?.failed).toBeGreaterThan(0);
    // It is left alone for a while, and then is asked again.
    expect(await answeredBy(() => store.pull(pullRequest()))).toEqual({ primary: 1, replica: 0 });
    expect(await store.measureLag()).toEqual([{ name: "r1", bytes: null, seconds: null }]);
    await replica.start();
    await replica.catchUp();
    await rest(1_100);
    const back = await answeredBy(() => store.pull(pullRequest({ cursor: position })));
    expect(back).toEqual({ primary: 0, replica: 1 });
  });
});

describe("a replica that never answers", () => {
  test("is waited for half a second, and then left alone", async () => {
    const never = { read: () => new Promise(() => {}), close: async () => {} };
    const primary = await startPostgres();
    const database = await primary.createDatabase();
    await migrateDatabase(database);
    const pool = never as unknown as PostgresPool;
    const store = await openNode(database, { ...options, replicas: [{ name: "r", pool }] });
    try {
      const since = systemRuntime.monotonicMs();
      await store.pull(pullRequest());
      const first = systemRuntime.monotonicMs() - since;
      expect(first).toBeGreaterThan(450);
      await store.pull(pullRequest());
      expect(store.readFigures()).toMatchObject({ primary: 2, replicas: [{ failed: 1 }] });
    } finally {
      await store.close();
      await primary.dispose();
    }
  });
});
