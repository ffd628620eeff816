import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that was started here and is ended by its id. */
export type ChildProgram = {
  readonly pid: number;
  readonly isRunning: () => boolean;
  /** Resolves with the exit code when it has ended; null: by a signal. */
  readonly ended: Promise<number | null>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Asks it to end, and after `withinMs` makes it. */
  readonly end: (name?: NodeJS.Signals, withinMs?: number) => Promise<void>;
};

/** A port of 127.0.0.1 that nobody has now. */
export const freePort = async (): Promise<number> => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, "close");
  return port;
};

/** Looks again and again until something is so. @throws Error naming it, if it isn't in time. */
export const untilSo = async (
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> => {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
};

const controlOf = (child: ChildProcess, ended: Promise<number | null>): ChildProgram => {
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${child.spawnfile} did not start`);
  return {
    pid,
    isRunning,
    ended,
    signal: (name) => void child.kill(name),
    end: async (name = "SIGTERM", withinMs = 15_000) => {
      if (!isRunning()) return;
      child.kill(name);
      const timeout = new AbortController();
      const late = sleep(withinMs, "late", { signal: timeout.signal }).catch(() => null);
      if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
      timeout.abort();
      await ended;
    },
  };
};

/**
 * Starts a program whose output goes to a file. Where Linux offers it, it is ended with the process
 * that started it, however that ends: nothing is left behind.
 */
export const startProgram = (
  command: readonly string[],
  options: {
    readonly log: string;
    readonly env?: NodeJS.ProcessEnv;
    /** What it is sent if this process ends without a word. */
    readonly lastSignal?: "TERM" | "INT" | "KILL";
  },
): ChildProgram => {
  const output = openSync(options.log, "a");
  const tied = existsSync("/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", "--pdeathsig", options.lastSignal ?? "TERM", ...command]
    : command;
  const child = spawn(tied[0] ?? "", tied.slice(1), {
    stdio: ["ignore", output, output],
    // A Ctrl+C at the terminal is this process's to pass on, in the right order.
    detached: true,
    env: options.env ?? process.env,
  });
  closeSync(output);
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  return controlOf(child, ended);
};

/** The end of a program's log, for whoever must tell why it did not start. */
export const lastLines = (log: string): string =>
  existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n").slice(-8).join("\n") : "";
