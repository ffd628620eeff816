import type { CollectionName, SpaceId } from "@synchro/core";
import type { Collection } from "../collection/collection.ts";
import { isSettled, type Settlement } from "../outbox/settlement.ts";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import type { ClientStore, ClientStoreOptions, StoreTransaction } from "../store/client-store.ts";
import { ClientStoreError } from "../store/client-store-error.ts";
import type { RecordName } from "../store/held-record.ts";
import { Exchange } from "../sync/exchange.ts";
import { SyncLoop } from "../sync/sync-loop.ts";
import type { SyncState } from "../sync/sync-state.ts";
import type { Leadership } from "../tabs/leadership.ts";
import {
  NAMES_MAX,
  type OpenTabChannel,
  type TabChannel,
  type TabMessage,
  type WriteFate,
} from "../tabs/tab-channel.ts";
import type { Transport } from "../transport/transport.ts";
import { Cell } from "./observable.ts";
import { PendingWrites } from "./pending-writes.ts";
import type { ConnectionStatus, DataStatus, Status } from "./status.ts";

export type OpenStore = (options: ClientStoreOptions) => Promise<ClientStore>;

export type ClientCoreDeps = {
  readonly space: SpaceId;
  readonly collections: readonly Collection[];
  readonly openStore: OpenStore;
  readonly transport: Transport;
  readonly runtime: ClientRuntime;
  readonly leadership: Leadership;
  readonly openChannel: OpenTabChannel;
  /** What the platform promises for the store, once it is open. */
  readonly askStorage: (store: ClientStore) => Promise<Pick<Status, "storage" | "wasEvicted">>;
  readonly appVersion: string | null;
  /** Other versions of these records are visible; keys null: of the whole collection. */
  readonly onChanged: (collection: CollectionName, keys: readonly string[] | null) => void;
  /** What a listener of the app threw, or a defect of this package. */
  readonly onError: (error: unknown) => void;
};

/** Changes in a request, and bytes of them: a slow line carries that in time, and a lost answer costs no more. */
const CHANGES_MAX = 500;
const BYTES_MAX = 1024 * 1024;

const ID_BYTES = 12;

const idText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");

const fateOf = (settlement: Settlement): WriteFate | null => {
  const { kind, entry } = settlement;
  if (kind === "unjudged" || kind === "restamped" || kind === "completed") return null;
  const rejection = kind === "refused" ? { rejection: settlement.rejection } : {};
  return { id: entry.id, kind, ...rejection };
};

const groupByCollection = (
  names: readonly RecordName[],
): ReadonlyMap<CollectionName, readonly string[]> => {
  const keys = new Map<CollectionName, string[]>();
  for (const { collection, key } of names) {
    const others = keys.get(collection);
    if (others === undefined) keys.set(collection, [key]);
    else others.push(key);
  }
  return keys;
};

/**
 * One opened store with everything that keeps it alive: the sync loop while this tab leads, the line
 * to the other tabs, and what is told of it all. Reads and writes go to the store and never wait for
 * the network.
 */
export class ClientCore {
  readonly status: Cell<Status>;
  readonly writes = new PendingWrites();
  readonly #deps: ClientCoreDeps;
  readonly #opened: Promise<ClientStore>;
  readonly #channel: TabChannel;
  readonly #closing = new AbortController();
  readonly #leading: Promise<void>;
  #loop: SyncLoop | null = null;
  #connection: ConnectionStatus = { state: "opening" };
  #data: DataStatus = {
    pending: 0,
    rejected: 0,
    lastSyncedAt: null,
    storage: "memory",
    wasEvicted: false,
    diverged: [],
    writeError: null,
  };
  #counting: Promise<void> = Promise.resolve();
  #isCountDue = false;

  constructor(deps: ClientCoreDeps) {
    this.#deps = deps;
    this.status = new Cell<Status>({ ...this.#connection, ...this.#data }, deps.onError);
    this.#channel = deps.openChannel((message) => this.#hear(message));
    this.#opened = this.#open();
    // Whoever reads or writes hears of it; the status shows it to all others.
    this.#opened.catch((error: unknown) => this.#break(error));
    this.#leading = this.#lead();
  }

  /** The store, once it is open and its values are of this program's declarations. */
  opened(): Promise<ClientStore> {
    return this.#opened;
  }

  /** Runs a transaction that changes what the user sees under `names`, durable when it resolves. */
  async write<Result>(
    body: (transaction: StoreTransaction) => Promise<Result>,
    namesOf: (result: Result) => readonly RecordName[],
  ): Promise<Result> {
    const store = await this.#opened;
    let result: Result;
    try {
      result = await store.transact(body);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#set({ writeError: reason });
      throw error;
    }
    this.#set({ writeError: null });
    const names = namesOf(result);
    this.#announce(names, []);
    this.#post({ kind: "edited", names: names.length > NAMES_MAX ? [] : names });
    this.#loop?.wake("edited");
    return result;
  }

  /** A change has left the outbox at its user's wish. */
  tell(fate: WriteFate, name: RecordName): void {
    this.writes.settle(fate);
    this.#post({ kind: "changed", names: [name], fates: [fate] });
  }

  /** The network, the token or a person says: try now. */
  wake(): void {
    this.#loop?.wake("changed");
    this.#post({ kind: "wake" });
  }

  /** Resolves when nothing of it is at work any more. What waits in the outbox stays there. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#leading.catch(() => {});
    await this.#counting;
    this.#channel.close();
    this.writes.close();
    const store = await this.#opened.catch(() => null);
    await store?.close();
  }

  async #open(): Promise<ClientStore> {
    const { openStore, runtime, collections, space, askStorage } = this.#deps;
    const store = await openStore({
      createClientId: () => `c_${idText(runtime.randomBytes(ID_BYTES))}`,
      onLost: (error) => this.#break(error),
    });
    try {
      const { schemaVersions } = await store.read((reader) => reader.getMeta(["schemaVersions"]));
      const isOther = ({ name, version }: Collection): boolean =>
        (schemaVersions[name] ?? 1) !== version;
      // Few apps come to it, and those once a release: it is no part of what all of them load.
      const upgrade = collections.some(isOther)
        ? (await import("../collection/upgrade-values.ts")).upgradeValues
        : null;
      await store.transact(async (transaction) => {
        const bound = await transaction.getMeta(["space"]);
        if (bound.space !== null && bound.space !== space) {
          throw new ClientStoreError(
            "foreign_file",
            `these data are of the space ${bound.space}, not of ${space}: each space has a store of its own`,
          );
        }
        await upgrade?.(transaction, collections);
        if (bound.space === null) await transaction.putMeta({ space });
      });
    } catch (error) {
      await store.close();
      throw error;
    }
    const { lastSyncedAt } = await store.read((reader) => reader.getMeta(["lastSyncedAt"]));
    this.#set({ lastSyncedAt, ...(await askStorage(store)) });
    this.#setConnection({ state: "stopped" });
    this.#countSoon();
    return store;
  }

  #break(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#setConnection({ state: "broken", reason });
    this.#closing.abort();
  }

  async #lead(): Promise<void> {
    const { leadership } = this.#deps;
    const store = await this.#opened.catch(() => null);
    if (store === null) return;
    this.#post({ kind: "hello" });
    try {
      await leadership.run((signal) => this.#runLoop(store, signal), this.#closing.signal);
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  #runLoop(store: ClientStore, signal: AbortSignal): Promise<void> {
    const { runtime, onError } = this.#deps;
    return new Promise((resolve) => {
      const loop = new SyncLoop({
        runtime,
        exchange: this.#createExchange(store),
        random: () => (runtime.randomBytes(1)[0] ?? 0) / 256,
        onState: (state) => {
          this.#setConnection(state);
          this.#postState(state);
        },
        onFatal: (error) => {
          onError(error);
          this.#break(error);
        },
      });
      this.#loop = loop;
      loop.start();
      const end = (): void => {
        this.#loop = null;
        void loop.stop().then(resolve);
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }

  #createExchange(store: ClientStore): Exchange {
    const { transport, runtime, collections, appVersion } = this.#deps;
    return new Exchange({
      store,
      transport,
      runtime,
      collections: collections.map(({ name }) => name).toSorted(),
      changesMax: CHANGES_MAX,
      bytesMax: BYTES_MAX,
      limit: null,
      describeStatus: () => {
        const { pending, rejected, storage } = this.#data;
        const version = appVersion === null ? {} : { app_version: appVersion };
        return { pending, rejected, storage, ...version };
      },
      onApplied: (applied) => {
        const { diverged, isUpToDate } = applied;
        this.#set({
          ...(diverged === null || diverged.length + this.#data.diverged.length === 0
            ? {}
            : { diverged }),
          ...(isUpToDate ? { lastSyncedAt: runtime.now() } : {}),
        });
        this.#tellSettled(applied.changed, applied.settlements);
      },
      onSettled: (settlements) => this.#tellSettled([], settlements),
    });
  }

  #tellSettled(changed: readonly RecordName[], settlements: readonly Settlement[]): void {
    const fates = settlements.flatMap((settlement) => fateOf(settlement) ?? []);
    const left = settlements
      .filter(isSettled)
      .map(({ entry: { collection, key } }) => ({ collection, key }));
    if (changed.length + left.length + fates.length === 0) return;
    const names = [...changed, ...left];
    this.#announce(names, fates);
    this.#post({ kind: "changed", names: names.length > NAMES_MAX ? null : names, fates });
  }

  /** Whoever watches in this tab hears what is visible now, before the writers hear that it is settled. */
  #announce(names: readonly RecordName[], fates: readonly WriteFate[]): void {
    for (const [collection, keys] of groupByCollection(names))
      this.#deps.onChanged(collection, keys);
    for (const fate of fates) this.writes.settle(fate);
    this.#countSoon();
  }

  #announceAll(): void {
    for (const { name } of this.#deps.collections) this.#deps.onChanged(name, null);
    this.#countSoon();
  }

  #hear(message: TabMessage): void {
    switch (message.kind) {
      case "edited":
        if (message.names.length === 0) this.#announceAll();
        else this.#announce(message.names, []);
        this.#loop?.wake("edited");
        return;
      case "changed":
        if (message.names === null) this.#announceAll();
        this.#announce(message.names ?? [], message.fates);
        return;
      case "state":
        if (this.#loop === null) {
          this.#set({ diverged: message.diverged });
          this.#setConnection(message.state);
        }
        return;
      case "hello":
        this.#greet();
        return;
      case "wake":
        this.#loop?.wake("changed");
    }
  }

  /** Tells a tab that has just come what the leader is at. */
  #greet(): void {
    const { state } = this.#connection;
    if (this.#loop === null || state === "opening" || state === "broken") return;
    this.#postState(this.#connection);
  }

  #postState(state: SyncState): void {
    this.#post({ kind: "state", state, diverged: this.#data.diverged });
  }

  #post(message: TabMessage): void {
    if (!this.#closing.signal.aborted) this.#channel.post(message);
  }

  #set(members: Partial<DataStatus>): void {
    const before = this.#data;
    this.#data = { ...before, ...members };
    const names = Object.keys(members) as (keyof DataStatus)[];
    if (names.some((name) => before[name] !== this.#data[name])) this.#show();
  }

  #setConnection(connection: ConnectionStatus): void {
    // What is broken stays broken: only opening anew can tell what is there.
    if (this.#connection.state === "broken") return;
    this.#connection = connection;
    this.#show();
  }

  #show(): void {
    this.status.set({ ...this.#connection, ...this.#data });
  }

  /** Counts what waits and what was refused, once for all that came together. */
  #countSoon(): void {
    if (this.#isCountDue) return;
    this.#isCountDue = true;
    this.#counting = this.#counting.then(() => this.#count());
  }

  async #count(): Promise<void> {
    this.#isCountDue = false;
    try {
      const store = await this.#opened;
      const [pending, rejected] = await store.read((reader) =>
        Promise.all([reader.countOutbox(), reader.countDeadLetters()]),
      );
      this.#set({ pending, rejected });
    } catch {
      // A store that is gone has said so.
    }
  }
}
