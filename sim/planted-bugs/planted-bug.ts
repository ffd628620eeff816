import type { askBrowser } from "../../packages/client/src/client/browser-storage.ts";
import type { ReplicaRouting } from "../server/replica.ts";
import type { ClientStore } from "../../packages/client/src/store/client-store.ts";
import type { ExchangeScripts } from "../../packages/client/src/sync/exchange.ts";
import type { Transport } from "../../packages/client/src/transport/transport.ts";
import type { Services } from "../../packages/server/src/service/services.ts";
import type { Store } from "../../packages/server/src/store/store.ts";
import type { Answer, Request } from "../network.ts";

/** Where a bug can be put into the server: each takes what is real and gives what the simulation runs. */
export type ServerPlant = {
  readonly store: (real: Store, deps: { readonly nowMs: () => number }) => Store;
  readonly services: (real: Services) => Services;
  /** An answer as it is about to leave. */
  readonly answer: (request: Request, real: Answer) => Answer;
  readonly routesToReplica: ReplicaRouting;
};

/** Where a bug can be put into the real client. */
export type ClientPlant = {
  readonly scripts: ExchangeScripts;
  readonly store: (real: ClientStore) => ClientStore;
  readonly transport: (real: Transport, store: ClientStore) => Transport;
  readonly asksBrowser: typeof askBrowser;
  /** Whether processes over one disk wait for each other's transactions. */
  readonly locksDisk: boolean;
  /** Whether only one of several processes over a disk runs the sync loop. */
  readonly hasOneLeader: boolean;
  /** Whether an edit counts as made only when it is durable. */
  readonly waitsForDisk: boolean;
};

export type Plant = { readonly server: ServerPlant; readonly client: ClientPlant };

/** A defect that the simulation must find, put into a run from outside: the code under test knows nothing of it. */
export type PlantedBug = {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rule: string;
  /** What it does instead. */
  readonly does: string;
  /** One run's own: what a bug remembers ends with the run. */
  readonly plant: () => {
    readonly server?: Partial<ServerPlant>;
    readonly client?: Partial<ClientPlant>;
  };
};
