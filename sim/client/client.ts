import type { Runtime } from "@synchro/core";
import type { Transport } from "../network.ts";
import type { Random } from "../world/random.ts";
import type { ClientState } from "./client-state.ts";
import type { Edit } from "./outbox.ts";

/** Where a client keeps its state. A transaction is on the disk whole, or it never was. */
export type ClientDisk = {
  /** What the last transaction left. */
  readonly read: () => ClientState;
  /** Runs `change` on the state as it is when its turn comes, and resolves once that is durable. */
  readonly transact: <Outcome>(
    change: (state: ClientState) => { readonly state: ClientState; readonly outcome: Outcome },
  ) => Promise<Outcome>;
};

/** How a client hears of others' changes: by asking now and then, by a long poll, or by a stream. */
export type ClientMode = "sync" | "poll" | "live";

export type ClientDeps = {
  readonly runtime: Runtime;
  readonly disk: ClientDisk;
  readonly transport: Transport;
  /** For the spread of retries and the choice between ways to ask. */
  readonly random: Random;
  readonly mode: ClientMode;
  /** Tells that something happened that a test wants to have seen. */
  readonly count: (event: string) => void;
  /** The program ends with an error that it has no answer to. */
  readonly crashed: (error: unknown) => void;
};

/** One life of a client program. It dies with its process; the next one goes on from the disk. */
export type Client = {
  /** Resolves with the edit's number once it is durable. */
  readonly edit: (edit: Edit) => Promise<number>;
  /** From now on the client wants these collections; null: all. */
  readonly setCollections: (names: readonly string[] | null) => Promise<void>;
};

export type StartClient = (deps: ClientDeps) => Client;
