import type { ClientStore, Durability, StoreTransaction } from "./client-store.ts";

/** A transaction of an engine. The store around it sees to it that it is alone, and ended once. */
export interface EngineTransaction extends StoreTransaction {
  /** Resolves once it is durable. If it rejects nothing was applied, unless the engine is lost. */
  commit(): Promise<void>;
  /** Takes back what was written. Never rejects. */
  abort(): Promise<void>;
}

/** What an engine does beneath `EngineStore`: one write transaction at a time, and no reads beside it. */
export interface StoreEngine {
  readonly capabilities: ClientStore["capabilities"];
  /** The body of the transaction follows in the same task. */
  begin(mode: "read" | "write", durability: Durability): EngineTransaction;
  /** Called once, with no transaction open. */
  close(): Promise<void>;
  /** Removes the data; after `close`. */
  remove(): Promise<void>;
}
