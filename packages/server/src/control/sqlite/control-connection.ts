import type { DatabaseSync } from "node:sqlite";
import { type SqliteFailure, sqliteFailureOf } from "../../store/sqlite/sqlite-failure.ts";
import { inTransaction, rollBack } from "../../store/sqlite/transaction.ts";
import { ControlUnavailableError } from "../control-unavailable-error.ts";

const reasons: { readonly [failure in SqliteFailure]?: ControlUnavailableError["reason"] } = {
  full: "full",
  busy: "busy",
  sync: "broken",
};

/**
 * The one connection of a control store, and whether its disk can be trusted: after a sync that
 * failed the same bytes might be reported as written though they are not, so nothing is written any
 * more until the program starts again.
 */
export class ControlConnection {
  readonly #database: DatabaseSync;
  #isBroken = false;
  /** Transactions that this connection has committed. */
  #writes = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get writes(): number {
    return this.#writes;
  }

  /** One moment for all that `work` reads. */
  read<Result>(work: () => Result): Result {
    const database = this.#open();
    return this.#translated(() => {
      database.exec("BEGIN");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        rollBack(database);
        throw error;
      }
    });
  }

  /** All that `work` writes, or nothing; durable on return. Others that write wait for it, and it for them. */
  write<Result>(work: () => Result): Result {
    const database = this.#open();
    if (this.#isBroken) throw new ControlUnavailableError("broken");
    const result = this.#translated(() => inTransaction(database, work));
    this.#writes += 1;
    return result;
  }

  /** Idempotent. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #open(): DatabaseSync {
    if (!this.#database.isOpen) throw new Error("the control store is closed");
    return this.#database;
  }

  #translated<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const reason = reasons[sqliteFailureOf(error)];
      if (reason === undefined) throw error;
      if (reason === "broken") this.#isBroken = true;
      throw new ControlUnavailableError(reason, { cause: error });
    }
  }
}
