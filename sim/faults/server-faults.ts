import { addMicros } from "@synchro/core";
import type { RestoreKind } from "../server/server-machine.ts";
import { startProcess } from "../world/machine.ts";
import type { FaultWorld } from "./fault-world.ts";
import { DAY_MS } from "./wrong-clock.ts";

const IMAGES_MAX = 4;

/** All servers declare the same: a replica of another kind begins anew. */
export const startReplica = ({ server, replica }: FaultWorld): void => {
  if (replica === null || server.port() === null) return;
  const declaresAll = server.declaresAll();
  if (replica.port() === null || replica.declaresAll() !== declaresAll)
    replica.start({ declaresAll });
};

export const killReplica = (faults: FaultWorld): void => {
  const { world, random, replica } = faults;
  replica?.kill();
  world.scheduler.after(random.between(20, 20_000), "replica starts", () => startReplica(faults));
};

export const stallReplica = ({ random, replica }: FaultWorld): void => {
  replica?.view.stall(random.between(500, 40_000));
};

export const startServer = (faults: FaultWorld): void => {
  if (faults.server.port() !== null || faults.isServerDue) return;
  const { world, random, plan, server } = faults;
  faults.isServerDue = true;
  const delayMs = faults.isCalm ? 10 : random.between(20, random.pick([200, 3_000, 20_000]));
  const declares = random.chance(0.5);
  world.scheduler.after(delayMs, "server starts", () => {
    const declaresAll = faults.isCalm || !plan.declaresLate || declares;
    if (!declaresAll) world.counters.count("late_collection_undeclared");
    world.counters.count("server_start");
    const started = (): void => {
      faults.isServerDue = false;
    };
    const opened = (): void => {
      started();
      startReplica(faults);
    };
    server.start({ declaresAll }).then(opened, (error: unknown) => {
      // What a start writes down needs room too.
      if (!faults.isFull) world.fail(`the server did not start: ${String((error as Error).stack)}`);
      started();
      startServer(faults);
    });
  });
};

export const killServer = (faults: FaultWorld): void => {
  faults.server.kill();
  startServer(faults);
};

export const stopServer = (faults: FaultWorld): void => {
  void faults.server.stop().then(() => startServer(faults));
};

export const keepImage = (faults: FaultWorld): void => {
  const { server, oracles } = faults;
  const image = { disk: server.takeImage(), model: oracles.server.takeImage() };
  faults.images = [...faults.images, image].slice(-IMAGES_MAX);
};

/** Older data take the place of newer; `final`: and nobody is to bring back what came since. */
export const restore = (faults: FaultWorld, kind: RestoreKind): void => {
  const { random, server, oracles } = faults;
  const { debts, givenUp } = oracles;
  if (faults.images.length === 0) return;
  server.kill();
  const image = random.pick(faults.images);
  const before = oracles.server.takeImage().models;
  const { models: after } = image.model;
  debts.settle();
  server.restore(image.disk, kind);
  // Its data would be of a life that has ended.
  faults.replica?.kill();
  faults.replica?.view.clear();
  oracles.server.restore(image.model);
  oracles.device.restored();
  givenUp.restored(kind === "bytes" ? null : after);
  if (kind === "final") {
    debts.forgive(null);
    givenUp.add(before, after, null);
  } else {
    debts.restored(before, after);
  }
  faults.world.trace.add(`restored ${kind}`);
  startServer(faults);
};

export const eraseSpace = ({ world, random, plan, server, ...faults }: FaultWorld): void => {
  server.erase(random.pick(plan.spaces) as never).catch((error: unknown) => {
    if (!faults.isFull) world.fail(`an erasure failed: ${String((error as Error).stack)}`);
  });
};

export const purge = (faults: FaultWorld): void => {
  const { world, random, plan, server } = faults;
  // What a purge took does not tell on which side of an erasure it came.
  if (faults.oracles.server.isErasing()) return;
  const now = startProcess("clock", { ...world, random, clock: server.clock }).runtime.now();
  const cutoff = addMicros(now, -random.pick([0, 10, 60, 300]) * 1_000_000);
  server.purge(random.pick(plan.spaces) as never, cutoff).catch((error: unknown) => {
    if (!faults.isFull) world.fail(`a purge failed: ${String((error as Error).stack)}`);
  });
};

export const setStoreFull = (faults: FaultWorld, isFull: boolean): void => {
  faults.isFull = isFull;
  faults.server.setFull(isFull);
  faults.oracles.server.setFull(isFull);
};

export const fillStore = (faults: FaultWorld): void => {
  const { world, random } = faults;
  setStoreFull(faults, true);
  world.scheduler.after(random.between(500, 20_000), "room again", () =>
    setStoreFull(faults, false),
  );
};

export const jumpServerClock = ({ random, server }: FaultWorld): void => {
  const most = random.pick([5_000, 600_000, DAY_MS]);
  server.clock.offsetMs = random.between(-most, most);
};
