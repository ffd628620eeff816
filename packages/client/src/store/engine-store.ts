import type { ClientStore, Durability, StoreReader, StoreTransaction } from "./client-store.ts";
import { ClientStoreError } from "./client-store-error.ts";
import { guardTransaction } from "./guarded-transaction.ts";
import { createReadWriteLock } from "./read-write-lock.ts";
import type { StoreEngine } from "./store-engine.ts";

/** What every engine has in common: who waits for whom, what a failed call means, and the end. */
export class EngineStore implements ClientStore {
  readonly capabilities: ClientStore["capabilities"];
  readonly #engine: StoreEngine;
  readonly #lock = createReadWriteLock();
  readonly #onLost: (error: ClientStoreError) => void;
  #refusal: ClientStoreError | null = null;
  #closing: Promise<void> | null = null;
  #removing: Promise<void> | null = null;

  constructor(engine: StoreEngine, onLost: (error: ClientStoreError) => void = () => {}) {
    this.#engine = engine;
    this.#onLost = onLost;
    this.capabilities = engine.capabilities;
  }

  read<Result>(body: (reader: StoreReader) => Promise<Result>): Promise<Result> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return this.#lock.shared(() => this.#run("read", "relaxed", body));
  }

  transact<Result>(
    body: (transaction: StoreTransaction) => Promise<Result>,
    durability: Durability = "strict",
  ): Promise<Result> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return this.#lock.exclusive(() => this.#run("write", durability, body));
  }

  close(): Promise<void> {
    this.#refusal ??= new ClientStoreError("closed", "the store is closed");
    // What was asked for before stands in front of it.
    this.#closing ??= this.#lock.exclusive(() => this.#engine.close());
    return this.#closing;
  }

  async destroy(): Promise<void> {
    await this.close();
    this.#removing ??= this.#engine.remove();
    await this.#removing;
  }

  /** The engine's word that the data went away or can't be trusted: every call fails from now on. */
  fail(error: ClientStoreError): void {
    if (this.#refusal !== null) return;
    this.#refusal = error;
    this.#onLost(error);
  }

  async #run<Result>(
    mode: "read" | "write",
    durability: Durability,
    body: (transaction: StoreTransaction) => Promise<Result>,
  ): Promise<Result> {
    if (this.#refusal?.code === "lost") throw this.#refusal;
    const opened = this.#engine.begin(mode, durability);
    const { transaction, settle, end } = guardTransaction(opened, mode);
    let result: Result;
    try {
      result = await body(transaction);
      await settle();
    } catch (error) {
      end();
      await settle().catch(() => {});
      await opened.abort();
      throw error;
    }
    end();
    try {
      await opened.commit();
    } catch (error) {
      await opened.abort();
      throw error;
    }
    return result;
  }
}
