import type { CollectionName } from "@synchro/core";
import type { ClientConfig } from "pg";
import type { DatabaseChoice } from "./config/data-place.ts";
import type { DatabaseSettings } from "./config/settings.ts";
import { StartError } from "./config/start-error.ts";
import type { ControlStore } from "./control/control-store.ts";
import { controlMigrations } from "./control/postgres/control-migrations.ts";
import { PostgresControlStore } from "./control/postgres/postgres-control-store.ts";
import type { ReadinessCheck } from "./create-readiness.ts";
import type { ReadHeads } from "./live/bus/head-poll.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { ExaminedDatabase } from "./operations/diagnose-database.ts";
import type { PoolFigures } from "./postgres/connection-pool.ts";
import { DatabaseRefusedError } from "./postgres/database-refused-error.ts";
import { examineSetup } from "./postgres/examine-database.ts";
import { foundationMigrations } from "./postgres/foundation-migrations.ts";
import { migrate, type MigrationOutcome } from "./postgres/migrate.ts";
import type { Migration } from "./postgres/migration.ts";
import { hasPendingMigrations } from "./postgres/migration-state.ts";
import { PostgresPool, type PostgresPoolOptions } from "./postgres/postgres-pool.ts";
import { clientConfigOf } from "./postgres/postgres-connection.ts";
import { openPostgresPool } from "./postgres/reach-database.ts";
import { EVERY_SPACE } from "./postgres/space-policy.ts";
import { type InspectedDatabase, inspectPostgres } from "./store/postgres/inspect-postgres.ts";
import { examineRecords } from "./store/postgres/examine-records.ts";
import { openPostgresStore } from "./store/postgres/open-postgres-store.ts";
import { loadDeclared } from "./store/postgres/space-tables.ts";
import { readHeads } from "./store/postgres/read-heads.ts";
import { defaultPushQueueLimits } from "./store/postgres/push-queue.ts";
import { recordMigrations } from "./store/postgres/record-migrations.ts";
import type { PostgresStore } from "./store/postgres/postgres-store.ts";
import type { Replica } from "./store/postgres/replica-reads.ts";
import type { Store, StoreOptions } from "./store/store.ts";
import { systemRuntime } from "./system-runtime.ts";

/** The whole schema, in the order in which it grows. */
export const postgresMigrations: readonly Migration[] = [
  ...foundationMigrations,
  ...controlMigrations,
  ...recordMigrations,
].toSorted((a, b) => a.number - b.number);

/** Milliseconds. A snapshot may wait for the reader of a stream. */
const times = {
  connectMs: 5_000,
  statementMs: 30_000,
  lockMs: 5_000,
  idleInTransactionMs: 60_000,
} as const;

const WAIT_MS = 2_000;
const WAITING_MAX = 1_000;

/** Connections for what servers know besides records: never taken by records. */
const CONTROL_CONNECTIONS = 2;

/** A refusal of the database is the operator's to mend; anything else is a defect. */
export const telling = async <Result>(work: Promise<Result>): Promise<Result> => {
  try {
    return await work;
  } catch (error) {
    throw error instanceof DatabaseRefusedError ? new StartError(error.message) : error;
  }
};

/** Milliseconds between looks at the replicas. */
const LAG_EVERY_MS = 5_000;

/** As the database lists its connections. */
type Purpose = "records" | "snapshots" | "control" | "upkeep" | "replica";

const poolOptions = (
  choice: DatabaseChoice,
  purpose: Purpose,
  connectionsMax: number,
  onWaited: (ms: number) => void = () => {},
): PostgresPoolOptions => ({
  ...choice,
  runtime: systemRuntime,
  times,
  applicationName: `synchro ${purpose}`,
  role: "primary",
  pipelines: true,
  bounds: { connectionsMax, waitMs: WAIT_MS, waitingMax: WAITING_MAX },
  onWaited,
});

/** @throws StartError if the schema is not this program's. */
export const assertMigrated = async (
  pool: Pick<PostgresPool, "read">,
  { address }: DatabaseChoice,
): Promise<void> => {
  if (!(await telling(hasPendingMigrations(pool, postgresMigrations)))) return;
  throw new StartError(
    `${address.shown} lacks what this version needs: run synchro migrate --database first, as the role that owns it`,
  );
};

/** A pool over a database whose schema is this program's. @throws StartError in one line. */
const openPool = async (
  choice: DatabaseChoice,
  ...rest: [Purpose, number, ((ms: number) => void)?]
): Promise<PostgresPool> => {
  const pool = await telling(openPostgresPool(poolOptions(choice, ...rest)));
  try {
    await assertMigrated(pool, choice);
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
};

/** Brings a database to this program's version. @throws StartError in one line. */
export const migratePostgres = (
  { address }: DatabaseChoice,
  grantTo: string | null,
): Promise<MigrationOutcome> =>
  telling(migrate({ address, migrations: postgresMigrations, runtime: systemRuntime, grantTo }));

/** What servers know besides records, in a database. @throws StartError in one line. */
export const openPostgresControl = async (choice: DatabaseChoice): Promise<ControlStore> =>
  new PostgresControlStore(await openPool(choice, "control", CONTROL_CONNECTIONS));

/**
 * The records in a database, for one task beside the servers over it. `optionsOf` what is declared
 * there says how they are opened.
 *
 * @throws StartError in one line.
 */
export const openPostgresForTask = async (
  choice: DatabaseChoice,
  optionsOf: (declared: readonly CollectionName[]) => Omit<StoreOptions, "runtime">,
): Promise<Store> => {
  const opened = new AsyncDisposableStack();
  try {
    const pool = opened.adopt(await openPool(choice, "upkeep", 4), (it) => it.close());
    const snapshots = new PostgresPool(poolOptions(choice, "upkeep", 2));
    opened.adopt(snapshots, (it) => it.close());
    const options = optionsOf(await pool.read({ space: EVERY_SPACE }, loadDeclared));
    const store = await openPostgresStore({ runtime: systemRuntime, ...options, pool, snapshots });
    // The store closes both from now on.
    opened.move();
    return store;
  } finally {
    await opened.disposeAsync();
  }
};

/** What a database holds, beside the servers over it. @throws StartError in one line. */
export const inspectDatabase = async (choice: DatabaseChoice): Promise<InspectedDatabase> => {
  const pool = await openPool(choice, "upkeep", 1);
  try {
    return await inspectPostgres(pool);
  } finally {
    await pool.close();
  }
};

/** Looks a database over, its records too, beside the servers over it. @throws StartError in one line. */
export const examineDatabase = async (choice: DatabaseChoice): Promise<ExaminedDatabase> => {
  const pool = await openPool(choice, "upkeep", 1);
  try {
    const setup = await examineSetup(pool);
    const { declared, spaces } = await inspectPostgres(pool);
    const ids = spaces.map(({ space }) => space);
    const problems: string[] = [];
    for (const id of ids) problems.push(...(await examineRecords(pool, id)));
    return { ...setup, declared, spaces: ids, problems };
  } finally {
    await pool.close();
  }
};

/** What a server has of its database. */
export type OpenedDatabase = {
  readonly store: Store;
  readonly control: ControlStore;
  /** Where nodes tell each other of commits, unless they have another place for it. */
  readonly bus: ClientConfig;
  /** The heads of spaces as the primary has them: the backstop of the bus. */
  readonly readHeads: ReadHeads;
  /** Whether the schema is this program's, for as long as it runs. */
  readonly isMigrated: ReadinessCheck;
  readonly close: () => Promise<void>;
};

type DatabaseMetrics = Pick<NodeMetrics, "observePoolWait" | "watchGauge" | "watchReplicas">;

const watchPools = (
  metrics: Pick<NodeMetrics, "watchGauge">,
  pools: readonly PostgresPool[],
  connectionsMax: number,
): void => {
  const total = (count: (figures: PoolFigures) => number): number =>
    pools.reduce((sum, pool) => sum + count(pool.figures()), 0);
  metrics.watchGauge("pool_size", () => connectionsMax);
  metrics.watchGauge("pool_used", () => total(({ open, idle }) => open - idle));
  metrics.watchGauge("pool_waiting", () => total(({ waiting }) => waiting));
};

/** Asks how far the replicas are behind, again and again, so that whoever looks need not wait. */
const watchReplicas = (
  metrics: Pick<NodeMetrics, "watchReplicas">,
  store: Pick<PostgresStore, "measureLag">,
): (() => void) => {
  let known: ReadonlyMap<string, number | null> = new Map();
  let isStopped = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const lags = await store.measureLag().catch(() => []);
    known = new Map(lags.map(({ name, seconds }) => [name, seconds]));
    if (!isStopped) cancel = systemRuntime.after(LAG_EVERY_MS, () => void look());
  };
  metrics.watchReplicas(() => known);
  void look();
  return () => {
    isStopped = true;
    cancel();
  };
};

const replicasOf = ({ replicas, ...choice }: DatabaseSettings): readonly Replica[] =>
  replicas.map((address) => {
    const options = poolOptions({ ...choice, address }, "replica", choice.connectionsMax);
    // Opened when it is needed: a replica that is away keeps no server from starting.
    const pool = new PostgresPool({ ...options, role: "replica" });
    return { name: address.shown, pool };
  });

/**
 * Opens all that a node needs of its database.
 *
 * @throws StartError in one line: a database that can't be reached, whose role is not taken, or whose
 * schema is not this program's.
 */
export const openDatabase = async (
  settings: DatabaseSettings,
  of: { readonly store: Omit<StoreOptions, "runtime">; readonly metrics: DatabaseMetrics },
): Promise<OpenedDatabase> => {
  const { metrics } = of;
  const forRecords = settings.connectionsMax - CONTROL_CONNECTIONS;
  const forSnapshots = Math.max(2, Math.floor(forRecords / 3));
  const observe = metrics.observePoolWait;
  const opened = new AsyncDisposableStack();
  try {
    const pool = await openPool(settings, "records", forRecords - forSnapshots, observe);
    opened.adopt(pool, (it) => it.close());
    const snapshots = new PostgresPool(poolOptions(settings, "snapshots", forSnapshots, observe));
    const control = opened.adopt(await openPostgresControl(settings), (it) => it.close());
    // Pushes to many spaces leave pulls their half of the connections.
    const spacesMax = Math.max(1, Math.floor((forRecords - forSnapshots) / 2));
    const pools = {
      pool,
      snapshots,
      replicas: replicasOf(settings),
      queueLimits: { ...defaultPushQueueLimits, spacesMax },
    };
    const store = await openPostgresStore({ runtime: systemRuntime, ...of.store, ...pools });
    opened.adopt(store, (it) => it.close());
    watchPools(metrics, [pool, snapshots], forRecords);
    if (settings.replicas.length > 0) opened.defer(watchReplicas(metrics, store));
    const all = opened.move();
    return {
      store,
      control,
      bus: clientConfigOf(settings.address),
      readHeads: readHeads(pool),
      isMigrated: async () => {
        const isPending = await hasPendingMigrations(pool, postgresMigrations);
        return isPending ? "the database lacks migrations" : null;
      },
      close: () => all.disposeAsync(),
    };
  } finally {
    await opened.disposeAsync();
  }
};
