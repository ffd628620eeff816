import type { SpaceId, Stamp } from "@synchro/core";
import { type Authorize, identifyAnybody } from "../../packages/server/src/service/authorize.ts";
import { createServices } from "../../packages/server/src/service/services.ts";
import type { Store } from "../../packages/server/src/store/store.ts";
import type { ServerPort } from "../network.ts";
import { checkAnswer } from "../oracle/check-answer.ts";
import { type MachineClock, type Process, startProcess } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { createAnswers } from "./answer-request.ts";
import type { DiskImage, Engine } from "./engine.ts";
import { type ServerObserver, paceStore } from "./paced-store.ts";
import type { ServerPlant } from "../planted-bugs/planted-bug.ts";
import { limits, noMetrics, registries } from "./settings.ts";

/** How the world sees the server's machine. */
export type ServerMachine = {
  readonly clock: MachineClock;
  /** Null while no process runs. */
  readonly port: () => ServerPort | null;
  /** The engine itself, without pauses, for whoever looks from outside; null while no process runs. */
  readonly store: () => Store | null;
  readonly declaresAll: () => boolean;
  readonly start: (options: { readonly declaresAll: boolean }) => Promise<void>;
  /** At once, in the middle of whatever it does. */
  readonly kill: () => void;
  /** In good order: what has begun is finished, then the store is closed. */
  readonly stop: () => Promise<void>;
  readonly purge: (space: SpaceId, cutoff: Stamp) => Promise<void>;
  readonly takeImage: () => DiskImage;
  /** Puts an image in the place of the disk; only while no process runs. */
  readonly restore: (image: DiskImage) => void;
  readonly setFull: (isFull: boolean) => void;
};

type Life = {
  readonly process: Process;
  readonly raw: Store;
  readonly paced: Store;
  readonly draining: AbortController;
  readonly ended: AbortController;
  readonly port: ServerPort;
  readonly underway: ReadonlySet<Promise<unknown>>;
  /** Work that a stop waits for. */
  readonly track: <Outcome>(work: Promise<Outcome>) => Promise<Outcome>;
};

/** What the outside does reaches a process only while it lives. */
const heard = (process: Process, signal: AbortSignal): AbortSignal => {
  const within = new AbortController();
  signal.addEventListener("abort", () => {
    if (process.isAlive()) within.abort("gone");
  });
  return within.signal;
};

const alive = <Outcome>(process: Process, work: Promise<Outcome>): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    work.then((outcome) => {
      if (process.isAlive()) resolve(outcome);
    }, reject);
  });

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
  const registry = declaresAll ? registries.all : registries.early;
  const raw = await engine.open({ runtime, limits, collections: registry.storedCollections });
  const planted = plant.store(raw, { nowMs: scheduler.nowMs });
  const paced = paceStore(planted, { runtime, random: random.fork(), observer });
  const draining = new AbortController();
  const services = plant.services(
    createServices({
      store: paced,
      runtime,
      limits,
      registry,
      metrics: noMetrics,
      authorize: deps.authorize,
      identify: identifyAnybody,
      draining: draining.signal,
    }),
  );
  const answers = createAnswers({ services, observer, nowMs: scheduler.nowMs });
  const underway = new Set<Promise<unknown>>();
  const track = <Outcome>(work: Promise<Outcome>): Promise<Outcome> => {
    underway.add(work);
    const forget = (): boolean => underway.delete(work);
    work.then(forget, forget);
    return work;
  };
  const ended = new AbortController();
  const port: ServerPort = {
    isAlive: process.isAlive,
    ended: ended.signal,
    accepts: () => process.isAlive() && !draining.signal.aborted,
    answer: async (request, { token, gone }) => {
      const caller = { token, gone: heard(process, gone) };
      const answer = plant.answer(request, await track(answers.answer(request, caller)));
      checkAnswer(world, request, answer);
      return answer;
    },
    stream: (request, send, { token, gone }) => {
      const caller = { token, gone: heard(process, gone) };
      return track(answers.stream(request, (text) => alive(process, send(text)), caller));
    },
  };
  return { process, raw, paced, draining, ended, port, underway, track };
};

type MachineDeps = {
  readonly world: World;
  readonly engine: Engine;
  readonly authorize: Authorize;
  readonly plant: ServerPlant;
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
    declaresAll: () => declaresAll,
    start: async (options) => {
      if (life !== null) throw new Error("the server runs already");
      declaresAll = options.declaresAll;
      const opened = await openServer(deps, clock, declaresAll);
      const { names } = declaresAll ? registries.all : registries.early;
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
    restore: (image) => {
      if (life !== null) throw new Error("the server runs");
      image.restore();
    },
    setFull: engine.setFull,
  };
};
