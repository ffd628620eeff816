import type { Cancel, Runtime } from "@synchro/core";
import { StoreClosedError } from "../store/store-closed-error.ts";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { messageOf } from "./postgres-failure.ts";
import type { PostgresConnection } from "./postgres-connection.ts";

export type PoolBounds = {
  /** Connections at a time. */
  readonly connectionsMax: number;
  /** Milliseconds that a caller waits for one. */
  readonly waitMs: number;
  /** Callers that wait at a time; one more is told at once that all is busy. */
  readonly waitingMax: number;
};

export type PoolFigures = {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
};

type Waiter = {
  readonly resolve: (connection: PostgresConnection) => void;
  readonly reject: (error: unknown) => void;
  readonly cancel: Cancel;
};

/**
 * Connections that are lent out one at a time, in the order in which they were asked for. It never
 * opens more than its bound, never lets anybody wait for longer than its bound, and never lends one
 * that is lost or still in a transaction.
 */
export class ConnectionPool {
  readonly #bounds: PoolBounds;
  readonly #runtime: Pick<Runtime, "after" | "monotonicMs">;
  readonly #open: () => Promise<PostgresConnection>;
  readonly #onWaited: (ms: number) => void;
  readonly #idle: PostgresConnection[] = [];
  readonly #lent = new Set<PostgresConnection>();
  readonly #waiters = new Set<Waiter>();
  #opening = 0;
  #isClosed = false;
  #whenEmpty: (() => void) | null = null;

  constructor(options: {
    readonly bounds: PoolBounds;
    readonly runtime: Pick<Runtime, "after" | "monotonicMs">;
    readonly open: () => Promise<PostgresConnection>;
    /** Told how long each caller waited, milliseconds. */
    readonly onWaited?: (ms: number) => void;
  }) {
    this.#bounds = options.bounds;
    this.#runtime = options.runtime;
    this.#open = options.open;
    this.#onWaited = options.onWaited ?? (() => {});
  }

  /** @throws StoreUnavailableError if none is free in time, or none can be opened; StoreClosedError. */
  async borrow(): Promise<PostgresConnection> {
    const since = this.#runtime.monotonicMs();
    const connection = await this.#next();
    this.#onWaited(this.#runtime.monotonicMs() - since);
    return connection;
  }

  /** Takes back what was lent. One that is lost, or `isSpoilt`, is cut. */
  giveBack(connection: PostgresConnection, isSpoilt: boolean): void {
    if (!this.#lent.delete(connection)) return;
    const isUsable = !isSpoilt && !connection.isLost() && !this.#isClosed;
    if (isUsable) this.#hand(connection);
    else connection.destroy();
    this.#pump();
  }

  figures(): PoolFigures {
    const idle = this.#idle.length;
    return { open: idle + this.#lent.size + this.#opening, idle, waiting: this.#waiters.size };
  }

  /** Whoever waits fails, what is lent is waited for. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiter of this.#waiters) this.#dismiss(waiter, new StoreClosedError());
    for (const connection of this.#idle.splice(0)) {
      await connection.guard(connection.client.end()).catch(() => {});
      connection.destroy();
    }
    if (this.#lent.size + this.#opening === 0) return;
    await new Promise<void>((resolve) => {
      const before = this.#whenEmpty;
      this.#whenEmpty = () => {
        before?.();
        resolve();
      };
    });
  }

  async #next(): Promise<PostgresConnection> {
    if (this.#isClosed) throw new StoreClosedError();
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#lent.add(idle);
      return idle;
    }
    if (this.#waiters.size >= this.#bounds.waitingMax) throw busy();
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.after(this.#bounds.waitMs, () => this.#dismiss(waiter, busy()));
      const waiter: Waiter = { resolve, reject, cancel };
      this.#waiters.add(waiter);
      this.#pump();
    });
  }

  #dismiss(waiter: Waiter, error: unknown): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.cancel();
    waiter.reject(error);
  }

  /** To whoever has waited longest, else aside. */
  #hand(connection: PostgresConnection): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined) {
      this.#idle.push(connection);
      return;
    }
    this.#waiters.delete(waiter);
    waiter.cancel();
    this.#lent.add(connection);
    waiter.resolve(connection);
  }

  /** Opens as many as are waited for and allowed. */
  #pump(): void {
    if (this.#isClosed) {
      if (this.#lent.size + this.#opening === 0) this.#whenEmpty?.();
      return;
    }
    while (
      this.#waiters.size > this.#opening &&
      this.#idle.length + this.#lent.size + this.#opening < this.#bounds.connectionsMax
    ) {
      this.#opening += 1;
      void this.#openOne();
    }
  }

  async #openOne(): Promise<void> {
    try {
      const connection = await this.#open();
      this.#opening -= 1;
      if (this.#isClosed || connection.isLost()) connection.destroy();
      else {
        connection.onLost(() => this.#forget(connection));
        this.#hand(connection);
      }
    } catch (error) {
      this.#opening -= 1;
      const [waiter] = this.#waiters;
      const cause = new StoreUnavailableError("lost", messageOf(error), { cause: error });
      if (waiter !== undefined) this.#dismiss(waiter, cause);
    }
    this.#pump();
  }

  #forget(connection: PostgresConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }
}

const busy = (): StoreUnavailableError =>
  new StoreUnavailableError("busy", "all connections are taken");
