import { newClientState } from "./client/client-state.ts";
import type { StartClient } from "./client/client.ts";
import { PARTS } from "./client/parts.ts";
import { startProgram } from "./client/start-program.ts";
import { createDevice, type Device } from "./device.ts";
import { type Faults, startFaults } from "./faults/start-faults.ts";
import { wrongClock } from "./faults/wrong-clock.ts";
import { calmNetwork, createNetwork, type Network } from "./network.ts";
import { createOracles, type Oracles, type Watched } from "./oracle/oracles.ts";
import { losses, restlessness } from "./oracle/rest.ts";
import { plantOf } from "./planted-bugs/no-bug.ts";
import type { PlantedBug } from "./planted-bugs/planted-bug.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { createAccess } from "./server/access.ts";
import { createEngine, type EngineName } from "./server/engine.ts";
import { createReplica } from "./server/replica.ts";
import { createServerMachine, type ServerMachine } from "./server/server-machine.ts";
import { LATE_COLLECTION } from "./server/settings.ts";
import { noTrim, type Trim, trimPlan } from "./trim.ts";
import { createV1Device, type V1Device } from "./v1/v1-device.ts";
import { v1Restlessness } from "./v1/v1-oracle.ts";
import { startWorkload } from "./workload.ts";
import { withoutRealTime } from "./world/real-time-guard.ts";
import { createWorld, type World } from "./world/world.ts";

export type RunOptions = {
  readonly seed: number;
  readonly engine: EngineName;
  readonly startClient?: StartClient;
  /** A defect to run with. */
  readonly bug?: PlantedBug;
  /** What is taken out of the run; nothing if absent. */
  readonly trim?: Trim;
  /** Lines of the trace to hand back; the last 80 if absent. */
  readonly tailLinesMax?: number;
};

export type RunOutcome = {
  readonly seed: number;
  readonly engine: EngineName;
  /** Null: every promise was kept. */
  readonly failure: string | null;
  /** Of all that happened: the same for the same seed. */
  readonly traceHash: string;
  readonly tail: readonly string[];
  readonly steps: number;
  /** Things that struck. */
  readonly strikes: number;
  readonly virtualMs: number;
  readonly counters: ReadonlyMap<string, number>;
};

/** How long all may take to come to rest once nothing breaks any more. */
const REST_MS_MAX = 600_000;

const createDevices = (
  world: World,
  plan: Plan,
  deps: Omit<Parameters<typeof createDevice>[0], "name" | "world" | "clock">,
): readonly Device[] =>
  Array.from({ length: plan.devices }, (_, index) => {
    const name = `device-${index + 1}`;
    const { random } = world;
    const collections = random.pick([
      null,
      null,
      ["readings"],
      ["readings", LATE_COLLECTION],
      [PARTS, "readings"],
    ]);
    const space = random.pick(plan.spaces);
    const program = random.chance(plan.naive) ? "naive" : "real";
    return createDevice(
      { ...deps, name, world, clock: { offsetMs: wrongClock(random) } },
      newClientState({ clientId: name, space, collections, program }),
    );
  });

const createV1Devices = (world: World, plan: Plan, network: Network): readonly V1Device[] =>
  plan.v1Devices.map((kind, index) =>
    createV1Device(
      { world, network, clock: { offsetMs: wrongClock(world.random) }, keys: plan.keys },
      { name: `v1-device-${index + 1}`, kind, space: world.random.pick(plan.spaces) },
    ),
  );

type RunParts = {
  readonly plan: Plan;
  readonly oracles: Oracles;
  readonly devices: readonly Device[];
  readonly v1Devices: readonly V1Device[];
  readonly server: ServerMachine;
  readonly faults: Faults;
};

/** Puts a run together: servers, network, devices, and whoever breaks and watches them. */
const assembleRun = (world: World, plan: Plan, options: RunOptions): RunParts => {
  const watched: Watched = { devices: [], replica: null };
  const oracles = createOracles(world, watched);
  const access = createAccess();
  const plant = plantOf(options.bug);
  const nodes = {
    world,
    observer: oracles.server,
    authorize: access.authorize,
    plant: plant.server,
    check: oracles.check,
  };
  const server = createServerMachine({ ...nodes, engine: createEngine(plan.engine) });
  if (plan.replicaLagMs !== null) {
    const { primary } = server;
    watched.replica = createReplica({ ...nodes, lagMsMax: plan.replicaLagMs, primary });
  }
  const { replica } = watched;
  const broken: { faults: Faults | null } = { faults: null };
  const balancing = world.random.fork();
  const network = createNetwork({
    world,
    random: world.random.fork(),
    faults: () => broken.faults?.network() ?? calmNetwork(),
    phaseOf: (name) => watched.devices.find((device) => device.name === name)?.phase() ?? null,
    server: () => {
      const second = replica?.port() ?? null;
      return second !== null && balancing.chance(0.5) ? second : server.port();
    },
  });
  const { observer } = oracles;
  const startClient = options.startClient ?? startProgram;
  const devices = createDevices(world, plan, {
    network,
    observer,
    startClient,
    plant: plant.client,
  });
  watched.devices = devices;
  const v1Devices = createV1Devices(world, plan, network);
  const isLeftOut = (strike: number): boolean => options.trim?.without.includes(strike) === true;
  const parts = { world, plan, server, replica, devices, v1Devices, network, access, oracles };
  const faults = startFaults(parts, isLeftOut);
  broken.faults = faults;
  return { plan, oracles, devices, v1Devices, server, faults };
};

const runWorld = async (
  world: World,
  options: RunOptions,
  onFaults: (faults: Faults) => void,
): Promise<void> => {
  const { scheduler, trace } = world;
  const drawn = drawPlan(world.random.fork(), options.engine);
  const plan = trimPlan(drawn, options.trim ?? noTrim);
  trace.add(JSON.stringify(plan));
  const { oracles, devices, v1Devices, server, faults } = assembleRun(world, plan, options);
  onFaults(faults);
  let isChaos = true;
  const isOn = (): boolean => isChaos;
  startWorkload(world, plan, { devices, v1Devices, oracle: oracles.device, isOn });
  const afterStep = (): Promise<void> => oracles.server.afterStep(server.store());
  const isBroken = (): boolean => world.failure() !== null;
  const untilMs = plan.chaosMs;
  const { beforeStep } = faults;
  await scheduler.run({ untilMs, beforeStep, afterStep, isOver: isBroken });
  isChaos = false;
  if (isBroken()) return;
  trace.add("calm");
  faults.calm();
  const unrest = (): readonly string[] => [
    ...devices.flatMap((device) => restlessness(oracles.server, device)),
    ...v1Devices.flatMap((device) => v1Restlessness(oracles.server, device)),
  ];
  // Looked at now and then: it reads everything.
  const isAtRest = (): boolean => scheduler.steps() % 16 === 0 && unrest().length === 0;
  const isOver = (): boolean => isBroken() || isAtRest();
  await scheduler.run({ untilMs: untilMs + REST_MS_MAX, afterStep, isOver });
  if (isBroken()) return;
  const lost = losses(oracles.server, devices, oracles.debts.owed());
  for (const reason of [...unrest(), ...lost]) world.fail(reason);
};

/** Runs one seed to its end. Nothing in it depends on anything but the options. */
export const simulate = async (options: RunOptions): Promise<RunOutcome> => {
  let strikes = (): number => 0;
  const world = createWorld(options.seed, options.tailLinesMax ?? 80);
  try {
    await withoutRealTime(() =>
      runWorld(world, options, (started) => {
        strikes = started.strikes;
      }),
    );
  } catch (error) {
    world.fail(String((error as Error).stack));
  }
  const { seed, engine } = options;
  return {
    seed,
    engine,
    failure: world.failure(),
    traceHash: world.trace.hash(),
    tail: world.trace.tail(),
    steps: world.scheduler.steps(),
    strikes: strikes(),
    virtualMs: world.scheduler.nowMs(),
    counters: world.counters.all(),
  };
};
