import type { Runtime } from "@synchro/core";
import type { BrowserStorage } from "../../packages/client/src/client/browser-storage.ts";
import type { Durability } from "../../packages/client/src/store/client-store.ts";
import type { Leadership } from "../../packages/client/src/tabs/leadership.ts";
import type { OpenTabChannel } from "../../packages/client/src/tabs/tab-channel.ts";
import type { Transport } from "../network.ts";
import type { ClientPlant } from "../planted-bugs/planted-bug.ts";
import type { Release } from "../world/process-lock.ts";
import type { Random } from "../world/random.ts";
import type { ClientState } from "./client-state.ts";
import type { Edit } from "./outbox.ts";

/** Where a client keeps its state. A transaction is on the disk whole, or it never was. */
export type ClientDisk = {
  /** What the last transaction left. */
  readonly read: () => ClientState;
  /** The right to write, for whoever reads, thinks and then writes; all processes of a device take turns. */
  readonly acquire: () => Promise<Release>;
  /**
   * Runs `change` on the state as it is when its turn comes, and resolves once that is durable; a
   * power cut may take what was `relaxed`. `strict` if absent.
   *
   * @throws ClientStoreError `full`
   */
  readonly transact: <Outcome>(
    change: (state: ClientState) => { readonly state: ClientState; readonly outcome: Outcome },
    durability?: Durability,
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
  /** Of the program: values of older ones are brought up to it. */
  readonly version: number;
  /** Which of several processes over the disk talks to the server. */
  readonly leadership: Leadership;
  readonly openChannel: OpenTabChannel;
  /** Where a browser remembers that there were data, apart from them. */
  readonly marks: NonNullable<BrowserStorage["marks"]>;
  /** The program has found out, or has not, that its data went away. */
  readonly tellEviction: (wasEvicted: boolean) => void;
  readonly plant: ClientPlant;
  /** Tells that something happened that a test wants to have seen. */
  readonly count: (event: string) => void;
  /** Tells that the program breaks a rule of its own. */
  readonly broken: (rule: string) => void;
  /** The program ends with an error that it has no answer to. */
  readonly crashed: (error: unknown) => void;
};

/** One life of a client program. It dies with its process; the next one goes on from the disk. */
export type Client = {
  /**
   * Resolves with the edit as it was written once it is durable.
   *
   * @throws ClientStoreError `full`: nothing was written.
   */
  readonly edit: (edit: Edit) => Promise<Edit>;
  /** The disk names other collections from now on. */
  readonly collectionsChanged: () => void;
};

export type StartClient = (deps: ClientDeps) => Client;
