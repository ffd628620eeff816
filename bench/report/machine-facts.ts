import { cpus, loadavg, release, totalmem, type } from "node:os";

/** What a figure depends on and a ratio less so. */
export type MachineFacts = {
  readonly date: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  /** Processes that wanted a core in the last minute, before the run: 0 is a quiet machine. */
  readonly load: number;
};

export const machineFacts = (): MachineFacts => ({
  date: new Date().toISOString().slice(0, 16),
  node: process.version,
  system: `${type()} ${release()}`,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 1024 ** 3),
  load: Number((loadavg()[0] ?? 0).toFixed(2)),
});
