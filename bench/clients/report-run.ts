import { writeSync } from "node:fs";
import { once } from "node:events";

/** Says that a step is done: a byte on a pipe, which costs next to nothing beside what is measured. */
export const tellStep = (): void => {
  writeSync(3, ".");
};

/** Runs `work` once the bench says so, and tells it what that took; `count` is asked for when the clock has stopped. */
export const reportRun = async (
  work: () => Promise<void>,
  count: () => Promise<number>,
): Promise<void> => {
  process.send?.("ready");
  await once(process, "message");
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({ count: await count(), seconds, cpuSeconds: (user + system) / 1e6 });
  await once(process, "disconnect");
  process.exit(0);
};
