import { newClientState } from "./client/client-state.ts";
import type { StartClient } from "./client/client.ts";
import { startProgram } from "./client/start-program.ts";
import { createDevice, type Device } from "./device.ts";
import { type Faults, startFaults, wrongClock } from "./faults.ts";
import { calmNetwork, createNetwork } from "./network.ts";
import { createDeviceOracle } from "./oracle/device-oracle.ts";
import { losses, restlessness } from "./oracle/rest.ts";
import { createServerOracle } from "./oracle/server-oracle.ts";
import { plantOf } from "./planted-bugs/no-bug.ts";
import type { PlantedBug } from "./planted-bugs/planted-bug.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { createAccess } from "./server/access.ts";
import { createEngine, type EngineName } from "./server/engine.ts";
import { createServerMachine } from "./server/server-machine.ts";
import { LATE_COLLECTION } from "./server/settings.ts";
import { startWorkload } from "./workload.ts";
import { withoutRealTime } from "./world/real-time-guard.ts";
import { createWorld, type World } from "./world/world.ts";

export type RunOptions = {
  readonly seed: number;
  readonly engine: EngineName;
  readonly startClient?: StartClient;
  /** A defect to run with. */
  readonly bug?: PlantedBug;
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
    const collections = random.pick([null, null, ["readings"], ["readings", LATE_COLLECTION]]);
    const space = random.pick(plan.spaces);
    const program = random.chance(plan.naive) ? "naive" : "real";
    return createDevice(
      { ...deps, name, world, clock: { offsetMs: wrongClock(random) } },
      newClientState({ clientId: name, space, collections, program }),
    );
  });

const runWorld = async (world: World, options: RunOptions): Promise<void> => {
  const { scheduler, trace } = world;
  const plan = drawPlan(world.random.fork(), options.engine);
  trace.add(JSON.stringify(plan));
  const serverOracle = createServerOracle(world);
  const engine = createEngine(plan.engine);
  const access = createAccess();
  const plant = plantOf(options.bug);
  const server = createServerMachine({
    world,
    engine,
    observer: serverOracle,
    authorize: access.authorize,
    plant: plant.server,
  });
  const deviceOracle = createDeviceOracle(world, serverOracle);
  let faults: Faults | null = null;
  const network = createNetwork({
    world,
    random: world.random.fork(),
    faults: () => faults?.network() ?? calmNetwork(),
    server: server.port,
  });
  const startClient = options.startClient ?? startProgram;
  const devices = createDevices(world, plan, {
    network,
    observer: deviceOracle,
    startClient,
    plant: plant.client,
  });
  faults = startFaults({
    world,
    plan,
    server,
    devices,
    network,
    access,
    serverOracle,
    deviceOracle,
  });
  let isChaos = true;
  startWorkload(world, plan, { devices, oracle: deviceOracle, isOn: () => isChaos });
  const afterStep = (): Promise<void> => serverOracle.afterStep(server.store());
  const isBroken = (): boolean => world.failure() !== null;
  const untilMs = plan.chaosMs;
  const { beforeStep } = faults;
  await scheduler.run({ untilMs, beforeStep, afterStep, isOver: isBroken });
  isChaos = false;
  if (isBroken()) return;
  trace.add("calm");
  faults.calm();
  const unrest = (): readonly string[] =>
    devices.flatMap((device) => restlessness(serverOracle, device));
  // Looked at now and then: it reads everything.
  const isAtRest = (): boolean => scheduler.steps() % 16 === 0 && unrest().length === 0;
  const isOver = (): boolean => isBroken() || isAtRest();
  await scheduler.run({ untilMs: untilMs + REST_MS_MAX, afterStep, isOver });
  if (isBroken()) return;
  for (const reason of [...unrest(), ...losses(serverOracle, devices, faults.owed())]) {
    world.fail(reason);
  }
};

/** Runs one seed to its end. Nothing in it depends on anything but the options. */
export const simulate = async (options: RunOptions): Promise<RunOutcome> => {
  const world = createWorld(options.seed, options.tailLinesMax ?? 80);
  try {
    await withoutRealTime(() => runWorld(world, options));
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
    virtualMs: world.scheduler.nowMs(),
    counters: world.counters.all(),
  };
};
