import type { JsonObject, SpaceId, Stamp } from "@synchro/core";
import { upgradeValues } from "../../packages/client/src/collection/upgrade-values.ts";
import { recordEdits } from "../../packages/client/src/outbox/record-edits.ts";
import type { ClientStore } from "../../packages/client/src/store/client-store.ts";
import { ClientStoreError } from "../../packages/client/src/store/client-store-error.ts";
import { Exchange } from "../../packages/client/src/sync/exchange.ts";
import { SyncLoop } from "../../packages/client/src/sync/sync-loop.ts";
import { leadAlone } from "../../packages/client/src/tabs/leadership.ts";
import {
  type Wish,
  withLastingMembers,
  writeRecord,
} from "../../packages/client/src/client/write-record.ts";
import type { Edit } from "./outbox.ts";
import { parts, PARTS } from "./parts.ts";
import { checkScripts } from "./checked-scripts.ts";
import type { ClientDeps, StartClient } from "./client.ts";
import { openClientStoreOver } from "./real-client-store.ts";
import { createSimulatedTransport } from "./real-transport.ts";
import { declarationAt, valueAt } from "./schema-version.ts";

const CHANGES_MAX = 16;
const OPEN_AGAIN_MS = 2_000;

const createLoop = (deps: ClientDeps, store: ClientStore): SyncLoop => {
  const { disk, runtime, random, count, plant } = deps;
  const space = disk.read().space as SpaceId;
  const exchange = new Exchange({
    store,
    transport: plant.transport(createSimulatedTransport(deps, space), store),
    runtime,
    collections: disk.read().collections,
    changesMax: CHANGES_MAX,
    bytesMax: 4_000,
    limit: random.between(1, 9),
    describeStatus: () => null,
    onApplied: (applied) => {
      if (applied.diverged !== null || applied.hasRestarted) count("digest_compared");
    },
    onSettled: () => {},
    scripts: checkScripts(plant.scripts, deps.broken),
  });
  return new SyncLoop({
    runtime,
    exchange,
    random: () => random.below(1_000_000) / 1_000_000,
    onState: (state) => {
      if (state.state === "waiting") count(`waiting_${state.obstacle.kind}`);
    },
    onFatal: deps.crashed,
  });
};

/** Brings local values up to the program; tried again while the disk is full, as the next start of a program would. */
const upgrade = async ({ runtime, version }: ClientDeps, store: ClientStore): Promise<void> => {
  for (;;) {
    try {
      return await store.transact((tx) => upgradeValues(tx, [declarationAt(version)]));
    } catch (error) {
      if (!(error instanceof ClientStoreError) || error.code !== "full") throw error;
    }
    await new Promise<void>((resolve) => {
      runtime.after(OPEN_AGAIN_MS, resolve);
    });
  }
};

const partWish = (
  { key, change }: Edit,
  made: { readonly author: null; readonly editedAt: Stamp },
): Wish => ({
  ...made,
  key,
  declared: parts,
  edit: (shown) => {
    if (change === undefined) return null;
    const seen = shown === null ? null : (JSON.parse(shown) as JsonObject);
    return withLastingMembers(parts, JSON.stringify(change(seen)), shown);
  },
});

/**
 * The sync loop of `@synchro/client`, its outbox, upgrades and leadership, over a simulated disk and
 * network, put together as `client/client-core.ts` does it.
 */
export const startRealClient: StartClient = (deps: ClientDeps) => {
  const { runtime, version, plant, count } = deps;
  const store = plant.store(openClientStoreOver(deps));
  let loop: SyncLoop | null = null;
  const channel = deps.openChannel((message) => {
    if (message.kind === "edited") loop?.wake("edited");
  });
  // Ends with the process only.
  const lead = (): Promise<void> =>
    new Promise(() => {
      count("led");
      loop = createLoop(deps, store);
      loop.start();
    });
  const opened = upgrade(deps, store);
  const leadership = plant.hasOneLeader ? deps.leadership : leadAlone;
  opened
    .then(async () => {
      const { wasEvicted } = await plant.asksBrowser(store, "app", { marks: deps.marks });
      deps.tellEviction(wasEvicted);
      await leadership.run(lead, new AbortController().signal);
    })
    .catch(deps.crashed);
  let changing: Promise<void> = opened;
  const restart = async (): Promise<void> => {
    if (loop === null) return;
    await loop.stop();
    loop = createLoop(deps, store);
    loop.start();
  };
  return {
    edit: async (wish) => {
      await opened;
      const { collection, key } = wish;
      const edit = { collection, key, value: valueAt(version, collection, wish.value) };
      const made = { author: null, editedAt: runtime.now() };
      const name = { collection: collection as never, key };
      const written = store.transact(async (tx) => {
        if (collection === PARTS) return [await writeRecord(tx, partWish(wish, made))];
        return recordEdits(tx, [{ ...edit, ...name, ...made, schemaVersion: version }]);
      });
      if (plant.waitsForDisk) await written;
      else written.catch(() => {});
      channel.post({ kind: "edited", names: [name] });
      if (loop === null) count("edit_beside_leader");
      loop?.wake("edited");
      if (collection !== PARTS) return edit;
      const [entry] = await written;
      return { ...edit, value: entry?.value ?? null };
    },
    collectionsChanged: () => {
      // One after another: two at once would leave two loops behind.
      changing = changing.then(restart);
      changing.catch(deps.crashed);
    },
  };
};
