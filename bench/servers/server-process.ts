import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server in a process of its own, over a folder of its own. */
export type ServerProcess = {
  readonly port: number;
  readonly folder: string;
  readonly pid: number;
  /** Ends the process and waits for it; with `keeps` its folder stays, for another over the same data. */
  readonly stop: (keeps?: "folder") => Promise<void>;
  /** Stops it, and removes the folder if it was made for this process. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export type ServerCommand = {
  readonly program: string;
  readonly args: (folder: string) => readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Waits until it serves; resolves with its port. */
  readonly ready: (output: AsyncIterable<string>) => Promise<number>;
  /** The data of an earlier process; absent: an empty folder is made. */
  readonly folder?: string;
};

export const tempFolder = (): string => mkdtempSync(join(tmpdir(), "synchro-bench-"));

/** Gives the text that a process has written so far, each time that there is more. */
async function* outputOf(child: ChildProcess): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    yield text;
  }
}

/** Waits for the first port that a pattern finds in what a process writes. */
export const portIn =
  (pattern: RegExp) =>
  async (output: AsyncIterable<string>): Promise<number> => {
    let last = "";
    for await (const text of output) {
      const port = pattern.exec(text)?.[1];
      if (port !== undefined) return Number(port);
      last = text;
    }
    throw new Error(`the server ended before it listened: ${last}`);
  };

export const startServerProcess = async (command: ServerCommand): Promise<ServerProcess> => {
  const folder = command.folder ?? tempFolder();
  const { program, args, nodeFlags = [] } = command;
  const child = spawn(process.execPath, [...nodeFlags, program, ...args(folder)], {
    cwd: folder,
    env: { ...process.env, ...command.environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const stop = async (keeps?: "folder"): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await closed;
    if (keeps === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const port = await command.ready(outputOf(child));
    // Nobody reads on: a full pipe would stop it.
    child.stdout.resume();
    // A folder that was given is the giver's to remove.
    const dispose = (): Promise<void> => stop(command.folder === undefined ? undefined : "folder");
    return { port, folder, pid: child.pid ?? 0, stop, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await stop(command.folder === undefined ? undefined : "folder");
    throw error;
  }
};

/** Bytes of memory that a process holds now, and the most that it has held (Linux). */
export const memoryOf = (pid: number): { readonly now: number; readonly most: number } => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string): number =>
    Number(new RegExp(String.raw`^${name}:\s+(\d+) kB`, "m").exec(status)?.[1]) * 1024;
  return { now: bytes("VmRSS"), most: bytes("VmHWM") };
};

/** Milliseconds of processor time that a process has used, in all its threads (Linux). */
const cpuMsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // In ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

/** Runs a load upon a server and finds what processor time each of its operations took there. */
export const withCpu = async (
  pid: number,
  run: () => Promise<{ readonly figure: number; readonly operations: number }>,
): Promise<{ readonly figure: number; readonly cpuMicros: number }> => {
  const before = cpuMsOf(pid);
  const { figure, operations } = await run();
  return { figure, cpuMicros: (1_000 * (cpuMsOf(pid) - before)) / operations };
};
