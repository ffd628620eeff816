import type { Runtime, SpaceId } from "@synchro/core";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { ConnectionPool, type PoolBounds, type PoolFigures } from "./connection-pool.ts";
import {
  type ConnectionOptions,
  openConnection,
  type PostgresConnection,
} from "./postgres-connection.ts";
import { failureOf, isServerError, messageOf, unavailableOf } from "./postgres-failure.ts";
import {
  beginTransaction,
  type Isolation,
  type OpenTransaction,
  type PostgresReader,
  type PostgresTransaction,
} from "./postgres-transaction.ts";
import type { EVERY_SPACE } from "./space-policy.ts";

/** Whose rows a transaction may touch: one space's, or, for upkeep, all. */
export type Scope = { readonly space: SpaceId | typeof EVERY_SPACE };

export type TransactionOutcome<Result> =
  | { readonly kind: "committed"; readonly result: Result }
  /** There was no room on the database's disk. Nothing of it stands. */
  | { readonly kind: "full" };

/** One moment, held. The server ends one that is idle for too long. */
export type HeldSnapshot = PostgresReader & {
  /** Idempotent. */
  readonly close: () => Promise<void>;
};

export type PostgresPoolOptions = ConnectionOptions & {
  readonly bounds: PoolBounds;
  readonly runtime: Pick<Runtime, "after" | "monotonicMs">;
  readonly onWaited?: (ms: number) => void;
};

/**
 * Transactions over a bounded number of connections. What fails for a reason that passes by itself
 * throws `StoreUnavailableError`; everything else throws as it is, and is a defect.
 */
export class PostgresPool {
  readonly #connections: ConnectionPool;

  /** Opens no connection before the first is needed: `openPostgresPool` does. */
  constructor(options: PostgresPoolOptions) {
    const { bounds, runtime, onWaited = () => {} } = options;
    const open = (): Promise<PostgresConnection> => openConnection(options);
    this.#connections = new ConnectionPool({ bounds, runtime, open, onWaited });
  }

  /** Does work at read committed; what it wrote stands exactly if this answers `committed`. */
  async transaction<Result>(
    scope: Scope,
    work: (transaction: PostgresTransaction) => Promise<Result>,
  ): Promise<TransactionOutcome<Result>> {
    const connection = await this.#connections.borrow();
    const transaction = begin(connection, "read committed", scope);
    let result: Result;
    try {
      result = await work(transaction);
      await transaction.begun;
    } catch (error) {
      await this.#undo(connection, transaction);
      if (failureOf(error) === "full") return { kind: "full" };
      throw unavailableOf(error);
    }
    const failure = await commit(connection, transaction);
    this.#connections.giveBack(connection, failure !== null);
    if (failure === null) return { kind: "committed", result };
    if (failureOf(failure) === "full") return { kind: "full" };
    throw unavailableOf(failure);
  }

  /** Reads one moment. */
  async read<Result>(
    scope: Scope,
    work: (reader: PostgresReader) => Promise<Result>,
  ): Promise<Result> {
    const connection = await this.#connections.borrow();
    const transaction = begin(connection, "snapshot", scope);
    try {
      const result = await work(transaction);
      // What was read is read: nobody waits for the end.
      void this.#leave(connection, transaction);
      return result;
    } catch (error) {
      await this.#undo(connection, transaction);
      throw unavailableOf(error);
    }
  }

  /** Opens a moment that lasts until it is closed; the connection is taken for as long. */
  async openSnapshot(scope: Scope): Promise<HeldSnapshot> {
    const connection = await this.#connections.borrow();
    const transaction = begin(connection, "snapshot", scope);
    try {
      // The moment is that of the first statement, not that of the begin.
      await transaction.command("SELECT 1");
    } catch (error) {
      await this.#undo(connection, transaction);
      throw unavailableOf(error);
    }
    let closing: Promise<void> | null = null;
    return {
      identity: transaction.identity,
      read: async (statement, values) => {
        try {
          return await transaction.read(statement, values);
        } catch (error) {
          throw unavailableOf(error);
        }
      },
      close: () => (closing ??= this.#leave(connection, transaction)),
    };
  }

  figures(): PoolFigures {
    return this.#connections.figures();
  }

  /** Waits for what has begun. Idempotent; other calls fail from then on. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  async #undo(connection: PostgresConnection, transaction: OpenTransaction): Promise<void> {
    let isSpoilt = connection.isLost();
    try {
      if (!isSpoilt) await transaction.command("ROLLBACK");
    } catch {
      isSpoilt = true;
    }
    this.#connections.giveBack(connection, isSpoilt);
  }

  /** Ends what only read. */
  async #leave(connection: PostgresConnection, transaction: OpenTransaction): Promise<void> {
    try {
      await transaction.begun;
      const ended = await transaction.command("COMMIT");
      this.#connections.giveBack(connection, ended !== "COMMIT" && ended !== "ROLLBACK");
    } catch {
      this.#connections.giveBack(connection, true);
    }
  }
}

const begin = (
  connection: PostgresConnection,
  isolation: Isolation,
  { space }: Scope,
): OpenTransaction => beginTransaction(connection, { isolation, space });

/** Nothing said during a commit is harmless: the server warns where a standby may not have it. */
const HARMLESS = "00000";

/**
 * Commits. Null: it stands, durable as the server was told to make it. Else what stood in the way:
 * an error of the server's own says that nothing stands; all else is `unknown`.
 */
const commit = async (
  connection: PostgresConnection,
  transaction: OpenTransaction,
): Promise<unknown> => {
  const warnings: string[] = [];
  const onNotice = ({
    code,
    message,
  }: {
    code?: string | undefined;
    message?: string | undefined;
  }) => {
    if (code !== HARMLESS) warnings.push(`${message}`);
  };
  connection.client.on("notice", onNotice);
  try {
    const ended = await transaction.command("COMMIT");
    if (warnings.length > 0) return new StoreUnavailableError("unknown", warnings.join("; "));
    return ended === "COMMIT" ? null : new Error("a transaction had failed, and was rolled back");
  } catch (error) {
    if (isServerError(error)) return error;
    return new StoreUnavailableError("unknown", messageOf(error), { cause: error });
  } finally {
    connection.client.off("notice", onNotice);
  }
};
