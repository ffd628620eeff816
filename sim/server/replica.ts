import type { SpaceId } from "@synchro/core";
import type { PullOutcome, Store, StorePull } from "../../packages/server/src/store/store.ts";
import type { ServerPort } from "../network.ts";
import { startProcess } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { type Node, type NodeDeps, openNode, registryOf } from "./open-node.ts";
import type { ServerObserver } from "./paced-store.ts";
import { createReplicaView, type ReplicaView } from "./replica-view.ts";

/** A second server: it reads from data that lag behind the primary's, and writes to the primary. */
export type Replica = {
  readonly port: () => ServerPort | null;
  readonly start: (options: { readonly declaresAll: boolean }) => void;
  readonly kill: () => void;
  readonly declaresAll: () => boolean;
  readonly view: ReplicaView;
};

/** The primary as a replica reaches it; null while it is down. */
export type Primary = { readonly store: Store; readonly announce: (space: SpaceId) => void };

/** The primary does not answer, and whoever asked finds out by his own patience. */
const noAnswer = <Outcome>(): Promise<Outcome> => new Promise(() => {});

/** What a replica answers of its own data, as `read` tells them; null: the primary is asked. */
export type ReplicaRouting = (
  request: StorePull,
  read: (request: StorePull) => PullOutcome,
) => PullOutcome | null;

/**
 * The protocol's rule: a replica answers a pull if its data have all that the cursor and the ack
 * speak of, and it never answers a reset itself. Both come to one question, for a place that it has
 * not come to is not valid in its data.
 */
export const routeToReplica: ReplicaRouting = (request, read) => {
  const outcome = read(request);
  return outcome.reset === null ? outcome : null;
};

const storeOver = (
  world: World,
  {
    view,
    primary,
    declaresAll,
    route,
  }: {
    readonly view: ReplicaView;
    readonly primary: () => Primary | null;
    readonly declaresAll: boolean;
    readonly route: ReplicaRouting;
  },
): Store => {
  const declared = [...registryOf(declaresAll).storedCollections.keys()].toSorted();
  const toPrimary = async <Outcome>(call: (store: Store) => Promise<Outcome>): Promise<Outcome> => {
    const asked = primary();
    if (asked === null) return noAnswer();
    try {
      return await call(asked.store);
    } catch (error) {
      // It has stopped meanwhile.
      if (primary()?.store !== asked.store) return noAnswer();
      throw error;
    }
  };
  const pull = async (request: StorePull) => {
    // The page that follows a push includes it: only the primary's snapshot is sure to.
    if (request.startMax === undefined && request.told.size === 0 && !view.isHeld()) {
      const outcome = route(request, (asked) => view.pull(asked, declared));
      if (outcome !== null) {
        world.counters.count(outcome.more ? "replica_page" : "replica_answered");
        return outcome;
      }
      world.counters.count("replica_passed_on");
    }
    return toPrimary((store) => store.pull(request));
  };
  return {
    capabilities: { isDurable: false },
    epoch: "" as Store["epoch"],
    push: async (request) => {
      const outcome = await toPrimary((store) => store.push(request));
      // As the bus tells it.
      if (outcome.kind === "committed" && outcome.changed > 0) primary()?.announce(request.space);
      return outcome;
    },
    pull,
    openSnapshot: (space) => toPrimary((store) => store.openSnapshot(space)),
    listSpaces: () => toPrimary((store) => store.listSpaces()),
    describeSpace: (space) => toPrimary((store) => store.describeSpace(space)),
    listEvidence: (space, of) => toPrimary((store) => store.listEvidence(space, of)),
    listRejections: (space, of) => toPrimary((store) => store.listRejections(space, of)),
    listHistory: (space, of) => toPrimary((store) => store.listHistory(space, of)),
    purge: (space, cutoff) => toPrimary((store) => store.purge(space, cutoff)),
    beginEpoch: (space) => toPrimary((store) => store.beginEpoch(space)),
    eraseSpace: (space) => toPrimary((store) => store.eraseSpace(space)),
    close: async () => {},
  };
};

export const createReplica = (
  deps: Pick<NodeDeps, "world" | "authorize" | "plant" | "check"> & {
    readonly observer: ServerObserver;
    readonly lagMsMax: number;
    readonly primary: () => Primary | null;
  },
): Replica => {
  const { world, observer } = deps;
  const { scheduler } = world;
  let node: Node | null = null;
  let declaresAll = false;
  const view = createReplicaView({
    scheduler,
    random: world.random.fork(),
    lagMsMax: deps.lagMsMax,
    onApplied: (space) => node?.services.hub.announce(space),
  });
  const kill = (): void => {
    const ending = node;
    node = null;
    ending?.process.kill();
    ending?.ended.abort("ended");
  };
  return {
    view,
    port: () => node?.port ?? null,
    declaresAll: () => declaresAll,
    kill,
    start: (options) => {
      kill();
      // Data from before this declaration have old seqs for what others have passed unseen (EPOCH-8).
      if (declaresAll !== options.declaresAll) view.hold();
      ({ declaresAll } = options);
      const process = startProcess("replica", {
        scheduler,
        random: world.random.fork(),
        clock: { offsetMs: 0 },
      });
      const { routesToReplica: route } = deps.plant;
      const store = storeOver(world, { view, primary: deps.primary, declaresAll, route });
      node = openNode({
        ...deps,
        process,
        store,
        declaresAll,
        observer: {
          ...observer,
          // Who reads here hears of a commit when the replica has it, and not before.
          sent: (space, records, readySinceMs) => {
            const atMs = view.caughtUpAtMs();
            if (atMs !== null) observer.sent(space, records, Math.max(readySinceMs, atMs));
          },
        },
      });
      world.trace.add(`replica opened all=${declaresAll}`);
    },
  };
};
