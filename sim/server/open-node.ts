import { type Authorize, identifyAnybody } from "../../packages/server/src/service/authorize.ts";
import { createServices, type Services } from "../../packages/server/src/service/services.ts";
import type { Store } from "../../packages/server/src/store/store.ts";
import type { ServerPort } from "../network.ts";
import type { ServerPlant } from "../planted-bugs/planted-bug.ts";
import type { Process } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { type AnswerDeps, createAnswers } from "./answer-request.ts";
import { limits, noMetrics, registries } from "./settings.ts";

/** A process that answers requests. */
export type Node = {
  readonly process: Process;
  readonly services: Services;
  readonly draining: AbortController;
  readonly ended: AbortController;
  readonly port: ServerPort;
  readonly underway: ReadonlySet<Promise<unknown>>;
  /** Work that a stop waits for. */
  readonly track: <Outcome>(work: Promise<Outcome>) => Promise<Outcome>;
};

export type NodeDeps = {
  readonly world: World;
  readonly process: Process;
  readonly store: Store;
  readonly declaresAll: boolean;
  readonly authorize: Authorize;
  readonly plant: ServerPlant;
  readonly observer: AnswerDeps["observer"];
  /** Holds an answer against its request. */
  readonly check: (
    request: Parameters<ServerPort["answer"]>[0],
    answer: Awaited<ReturnType<ServerPort["answer"]>>,
  ) => void;
};

export const registryOf = (declaresAll: boolean): (typeof registries)["all"] =>
  declaresAll ? registries.all : registries.early;

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

/** Puts the services over a store, and the ways into them over the services. */
export const openNode = (deps: NodeDeps): Node => {
  const { world, process, plant, observer } = deps;
  const draining = new AbortController();
  const services = plant.services(
    createServices({
      store: deps.store,
      runtime: process.runtime,
      limits,
      registry: registryOf(deps.declaresAll),
      metrics: noMetrics,
      authorize: deps.authorize,
      identify: identifyAnybody,
      draining: draining.signal,
    }),
  );
  const answers = createAnswers({ services, observer, nowMs: world.scheduler.nowMs });
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
      deps.check(request, answer);
      return answer;
    },
    stream: (request, send, { token, gone }) => {
      const caller = { token, gone: heard(process, gone) };
      return track(answers.stream(request, (text) => alive(process, send(text)), caller));
    },
  };
  return { process, services, draining, ended, port, underway, track };
};
