import type { SpaceId } from "@synchro/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrateTestDatabase, openTestPool } from "../../../testing/postgres/open-pool.ts";
import { sharedPostgres } from "../../../testing/postgres/shared-postgres.ts";
import type { TestDatabase } from "../../../testing/postgres/test-database.ts";
import { actionsIn, by, deviceId, invitation } from "../control-harness.contract.ts";
import { describeControlContract } from "../control-store.contract.ts";
import type { ControlStore } from "../control-store.ts";
import { controlMigrations } from "./control-migrations.ts";
import { PostgresControlStore } from "./postgres-control-store.ts";

const bounds = { connectionsMax: 2, waitMs: 5_000, waitingMax: 100 };

describeControlContract("PostgreSQL", {
  open: async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await migrateTestDatabase(database, controlMigrations);
    const opened: ControlStore[] = [];
    const beside = async (): Promise<ControlStore> => {
      const store = new PostgresControlStore(await openTestPool(database.appUrl, { bounds }));
      opened.push(store);
      return store;
    };
    return {
      store: await beside(),
      beside,
      dispose: async () => {
        for (const store of opened) await store.close();
        await database.drop();
      },
    };
  },
});

describe("over PostgreSQL", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase();
    await migrateTestDatabase(database, controlMigrations);
  });

  afterAll(() => database.drop());

  const open = async (url = database.appUrl) =>
    new PostgresControlStore(await openTestPool(url, { bounds }));

  test("[AUDIT-2] the log can't be altered or emptied, by its owner and by a superuser's client neither", async () => {
    const store = await open();
    const entry = { actor: "ann", action: "token.mint", target: "t", space: null, detail: {} };
    await store.audit({ at: by(1).now, ...entry });
    for (const statement of [
      "UPDATE synchro.audit SET actor = 'nobody'",
      "UPDATE synchro.audit SET actor = 'nobody' WHERE false",
      "DELETE FROM synchro.audit",
      "TRUNCATE synchro.audit",
      "SET session_replication_role = replica; DELETE FROM synchro.audit",
    ]) {
      await expect(database.sql(statement)).rejects.toThrow("the audit log can only grow");
    }
    for (const statement of ["DELETE FROM synchro.audit", "UPDATE synchro.audit SET space = 'a'"]) {
      await expect(
        database.sql("SET ROLE synchro_owner; SET synchro.space = '*'", statement),
      ).rejects.toThrow("the audit log can only grow");
      await expect(database.sql("SET ROLE synchro_app", statement)).rejects.toThrow(
        "permission denied",
      );
    }
    const forged = `INSERT INTO synchro.audit (number, at, actor, action, target, detail)
      VALUES (1, '', '', '', '', '{}')`;
    await expect(database.sql(forged)).rejects.toThrow("non-DEFAULT value");
    expect(await actionsIn(store)).toEqual(["token.mint t"]);
    await store.close();
  });

  test("a transaction of one space sees nothing of the log and of other spaces' entries", async () => {
    const [store, pool] = [await open(), await openTestPool(database.appUrl)];
    await store.createSpace({ id: "a" as SpaceId, title: "a", recordsMax: null }, by(1));
    await store.createSpace({ id: "b" as SpaceId, title: "b", recordsMax: null }, by(1));
    const seen = await pool.read({ space: "a" as SpaceId }, ({ read }) =>
      Promise.all([
        read({ name: "seen_entries", text: "SELECT id FROM synchro.space_entries" }),
        read({ name: "seen_audit", text: "SELECT DISTINCT space FROM synchro.audit" }),
      ]),
    );
    expect(seen).toEqual([[["a"]], [["a"]]]);
    await Promise.all([store.close(), pool.close()]);
  });

  test("[AUDIT-1] many nodes at once: none is refused, and each action has its one entry, in order", async () => {
    const stores = await Promise.all([open(), open(), open(), open()]);
    const [first] = stores;
    await first.createInvitation(invitation("many", { usesLeft: 40 }), by(0));
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const shown = { codeHash: "many", secretHash: `s${index}`, name: "x" };
        return (stores[index % 4] ?? first).admit(shown, deviceId(index), by(1).now);
      }),
    );
    const devices = await stores[1].listDevices(null);
    const log = await actionsIn(stores[2]);
    const admitted = log.filter((line) => line.startsWith("device.admit "));
    expect(admitted.map((line) => line.slice(13))).toEqual(devices.map(({ id }) => id));
    expect(admitted).toHaveLength(40);
    await Promise.all(stores.map((store) => store.close()));
  });
});
