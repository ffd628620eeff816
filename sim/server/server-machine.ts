import { drawEpoch, type SpaceId, type Stamp } from "@synchro/core";
import type { Authorize } from "../../packages/server/src/service/authorize.ts";
import type { Store } from "../../packages/server/src/store/store.ts";
import type { ServerPort } from "../network.ts";
import { type MachineClock, startProcess } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import type { DiskImage, Engine } from "./engine.ts";
import { type ServerObserver, paceStore } from "./paced-store.ts";
import type { ServerPlant } from "../planted-bugs/planted-bug.ts";
import { type Node, type NodeDeps, openNode, registryOf } from "./open-node.ts";
import type { Primary } from "./replica.ts";
import { limits } from "./settings.ts";

/** How the world sees the server's machine. */
export type ServerMachine = {
  readonly clock: MachineClock;
  /** Null while no process runs. */
  readonly port: () => ServerPort | null;
  /** The engine itself, without pauses, for whoever looks from outside; null while no process runs. */
  readonly store: () => Store | null;
  /** As a replica reaches it; null while no process takes requests. */
  readonly primary: () => Primary | null;
  readonly declaresAll: () => boolean;
  readonly start: (options: { readonly declaresAll: boolean }) => Promise<void>;
  /** At once, in the middle of whatever it does. */
  readonly kill: () => void;
  /** In good order: what has begun is finished, then the store is closed. */
  readonly stop: () => Promise<void>;
  readonly purge: (space: SpaceId, cutoff: Stamp) => Promise<void>;
  readonly takeImage: () => DiskImage;
  /** Puts an image in the place of the disk, and perhaps begins an epoch in it; only while no process runs. */
  readonly restore: (image: DiskImage, begins: RestoreKind) => void;
  readonly erase: (space: SpaceId) => Promise<void>;
  readonly setFull: (isFull: boolean) => void;
};

/** `bytes`: the bare bytes, as a snapshot of a disk is put back; `backup`: one that is taken in; `final`: and what came since is given up. */
export type RestoreKind = "bytes" | "backup" | "final";

type Life = Node & { readonly raw: Store; readonly paced: Store };

const openServer = async (
  deps: MachineDeps,
  clock: MachineClock,
  declaresAll: boolean,
): Promise<Life> => {
  const { world, engine, observer, plant } = deps;
  const { scheduler } = world;
  const random = world.random.fork();
  const process = startProcess("server", { scheduler, random, clock });
  const { runtime } = process;
  const { storedCollections } = registryOf(declaresAll);
  const raw = await engine.open({ runtime, limits, collections: storedCollections });
  const planted = plant.store(raw, { nowMs: scheduler.nowMs });
  const paced = paceStore(planted, { runtime, random: random.fork(), observer });
  return { raw, paced, ...openNode({ ...deps, process, store: paced, declaresAll }) };
};

type MachineDeps = {
  readonly world: World;
  readonly engine: Engine;
  readonly authorize: Authorize;
  readonly plant: ServerPlant;
  readonly check: NodeDeps["check"];
  readonly observer: ServerObserver & {
    /** A store was opened over the disk, and has answered nothing yet. */
    readonly opened: (store: Store, at: Stamp, declared: ReadonlySet<string>) => Promise<void>;
  };
};

/** The server's machine: its disk and clock, and the process that runs on it now and then. */
export const createServerMachine = (deps: MachineDeps): ServerMachine => {
  const { engine, world, observer } = deps;
  const clock: MachineClock = { offsetMs: 0 };
  let life: Life | null = null;
  let declaresAll = false;
  let isClosing = false;
  const end = (): void => {
    isClosing = false;
    const ending = life;
    life = null;
    ending?.process.kill();
    ending?.ended.abort("ended");
    engine.abandon();
  };
  return {
    clock,
    port: () => life?.port ?? null,
    store: () => (isClosing ? null : (life?.raw ?? null)),
    primary: () =>
      life === null || !life.port.accepts()
        ? null
        : { store: life.paced, announce: life.services.hub.announce },
    declaresAll: () => declaresAll,
    start: async (options) => {
      if (life !== null) throw new Error("the server runs already");
      declaresAll = options.declaresAll;
      const opened = await openServer(deps, clock, declaresAll);
      const { names } = registryOf(declaresAll);
      await observer.opened(opened.raw, opened.process.runtime.now(), new Set(names));
      life = opened;
      world.trace.add(`server opened ${opened.raw.epoch} all=${declaresAll}`);
    },
    kill: () => {
      if (life === null) return;
      if (life.underway.size > 0) world.counters.count("server_killed_at_work");
      end();
    },
    stop: async () => {
      const stopping = life;
      if (stopping === null) return;
      stopping.draining.abort("draining");
      await Promise.allSettled(stopping.underway);
      if (life !== stopping) return;
      isClosing = true;
      await stopping.raw.close();
      if (life === stopping) end();
    },
    purge: async (space, cutoff) => {
      if (life !== null && life.port.accepts()) await life.track(life.paced.purge(space, cutoff));
    },
    takeImage: engine.takeImage,
    restore: (image, kind) => {
      if (life !== null) throw new Error("the server runs");
      if (kind === "bytes") return image.restore(null);
      const random = world.random.fork();
      const drawn = drawEpoch({ randomBytes: random.bytes });
      image.restore({ drawn, isFinal: kind === "final" });
    },
    erase: async (space) => {
      if (life !== null && life.port.accepts()) await life.track(life.paced.eraseSpace(space));
    },
    setFull: engine.setFull,
  };
};
