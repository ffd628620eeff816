// The same as bench/clients/report-run.ts, for programs that know nothing of TypeScript.
import { writeSync } from "node:fs";
import { once } from "node:events";

export const tellStep = () => {
  writeSync(3, ".");
};

export const reportRun = async (work, count) => {
  process.send("ready");
  await once(process, "message");
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send({ count: await count(), seconds, cpuSeconds: (user + system) / 1e6 });
  await once(process, "disconnect");
  process.exit(0);
};
