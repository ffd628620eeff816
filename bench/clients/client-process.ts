import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../servers/server-process.ts";

/** What one client did, in a process of its own. */
export type ClientOutcome = {
  /** Records that it held at the end, or changes that its query told of. */
  readonly count: number;
  readonly seconds: number;
  /** Of the processor, in all threads of the process. */
  readonly cpuSeconds: number;
};

/**
 * A program of `bench/clients/`, `bench/floors/` or `bench/peers/`, by its path from the first of
 * them. It says when it is ready, does its work once when told to, and may tell of steps in between.
 */
export type ClientProgram = {
  readonly path: string;
  readonly args: readonly string[];
};

/** For whoever looks at a single run: `BENCH_CLIENT_FLAGS="--cpu-prof --cpu-prof-dir=DIR"`. */
const extraFlags = (process.env["BENCH_CLIENT_FLAGS"] ?? "")
  .split(" ")
  .filter((flag) => flag !== "");

/** How long a program may take to write down what it was asked for, such as a profile. */
const END_MS_MAX = 10_000;

/** Resolves with what comes next of a kind; each is given once, in order. */
const createQueue = <Item>(isOver: Promise<never>) => {
  const items: Item[] = [];
  let wake = (): void => {};
  return {
    add: (item: Item): void => {
      items.push(item);
      wake();
    },
    next: async (): Promise<Item> => {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) return item;
        const added = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([isOver, added]);
      }
    },
  };
};

/**
 * Runs a program from its start to its end, in an empty folder: who syncs for the first time has just
 * been started. Loading its code is not measured, compiling what it runs is.
 *
 * @param drive what is done to it meanwhile; `step` waits until it tells of the next.
 */
export const runClient = async (
  { path, args }: ClientProgram,
  drive: (step: () => Promise<unknown>) => Promise<void> = () => Promise.resolve(),
): Promise<ClientOutcome> => {
  const folder = tempFolder();
  const child = fork(join(import.meta.dirname, path), [folder, ...args], {
    cwd: folder,
    execArgv: ["--conditions=source", ...extraFlags],
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "inherit", "inherit", "pipe", "ipc"],
  });
  const ended = once(child, "exit");
  const tooSoon = ended.then(() => Promise.reject(new Error(`${path} ended before it was done`)));
  // It ends in any case: only who still waits is told.
  tooSoon.catch(() => {});
  const words = createQueue<unknown>(tooSoon);
  const steps = createQueue<true>(tooSoon);
  child.on("message", words.add);
  child.stdio[3]?.on("data", (bytes: Buffer) => {
    for (let step = 0; step < bytes.length; step += 1) steps.add(true);
  });
  try {
    await words.next();
    child.send("go");
    await drive(steps.next);
    return (await words.next()) as ClientOutcome;
  } finally {
    if (child.connected) child.disconnect();
    const isOver = setTimeout(() => child.kill("SIGKILL"), END_MS_MAX);
    await ended;
    clearTimeout(isOver);
    rmSync(folder, { recursive: true, force: true });
  }
};
