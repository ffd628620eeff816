import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ChildProgram, lastLines, startProgram, untilSo } from "./child-program.ts";

const door = join(import.meta.dirname, "../../packages/server/bin/synchro.mjs");

/** The command line of `synchro`, run from its source. */
export const synchro = (...args: readonly string[]): readonly string[] => [
  process.execPath,
  "--conditions=source",
  door,
  ...args,
];

/** A server of a cluster; it keeps its port over restarts. */
export type ClusterNode = {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly log: string;
  readonly pid: () => number;
  /** As an operator stops it: what has begun is finished. Resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
  readonly kill: () => Promise<void>;
  /** After `stop` or `kill`: resolves once it listens. */
  readonly start: () => Promise<void>;
};

export type NodeOptions = {
  readonly name: string;
  readonly port: number;
  /** Where its log goes. */
  readonly folder: string;
  /** The flags of `serve`, besides host and port. */
  readonly flags: readonly string[];
  readonly environment?: { readonly [name: string]: string };
};

const run = async (
  { port, flags, environment }: NodeOptions,
  log: string,
): Promise<ChildProgram> => {
  // What an earlier one wrote must not be taken for this one's.
  writeFileSync(log, "");
  const command = synchro("serve", "--host", "127.0.0.1", "--port", String(port), ...flags);
  // A stray second of the terminal's signals would force it: it hears this process only.
  const program = startProgram(command, { log, env: { ...process.env, ...environment } });
  await untilSo(`a server listens on port ${port}`, () => {
    if (!program.isRunning()) throw new Error(`a server did not start: ${lastLines(log)}`);
    return existsSync(log) && readFileSync(log, "utf8").includes(" listens on ");
  });
  return program;
};

/** Starts a server and waits until it listens. */
export const startNode = async (options: NodeOptions): Promise<ClusterNode> => {
  const { name, port, folder } = options;
  const log = join(folder, `${name}.log`);
  let program = await run(options, log);
  return {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    log,
    pid: () => program.pid,
    stop: async () => {
      await program.end("SIGTERM", 30_000);
      return program.ended;
    },
    kill: () => program.end("SIGKILL"),
    start: async () => {
      if (program.isRunning()) throw new Error(`${name} is running`);
      program = await run(options, log);
    },
  };
};
