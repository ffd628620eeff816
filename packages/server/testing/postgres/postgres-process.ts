import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { systemRuntime } from "../../src/system-runtime.ts";
import { pause } from "./pause.ts";
import { spawnPostgresProgram } from "./postgres-program.ts";

const STARTS_WITHIN_MS = 60_000;
const ATTEMPTS = 5;

export type ServerSettings = { readonly [name: string]: string | number };

const freePort = async (): Promise<number> => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, "close");
  return port;
};

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** One that a server left behind goes while the next one starts. */
const linesOf = (path: string): readonly string[] => {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
};

/** As `pg_ctl` waits: the server writes its state into its lock file. */
const untilReady = async (child: ChildProcess, data: string): Promise<boolean> => {
  const start = systemRuntime.monotonicMs();
  const lock = join(data, "postmaster.pid");
  while (systemRuntime.monotonicMs() - start < STARTS_WITHIN_MS) {
    if (hasEnded(child)) return false;
    const lines = linesOf(lock);
    const state = lines[7]?.trim();
    if (Number(lines[0]) === child.pid && (state === "ready" || state === "standby")) return true;
    await pause(10);
  }
  child.kill("SIGQUIT");
  return false;
};

export type PostgresProcess = {
  readonly pid: number;
  readonly port: number;
  /** `fast` rolls back what is open; `kill` is SIGKILL to all its processes, as if the machine had died. */
  readonly end: (how: "fast" | "immediate" | "kill") => Promise<void>;
};

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It went with its postmaster.
  }
};

const signals = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const;

/**
 * Starts a server over `folder/data`, on a free port of 127.0.0.1 (or the one that it had before)
 * and a socket in `folder`.
 */
export const startProcess = async (
  folder: string,
  settings: ServerSettings,
  port: number | null = null,
): Promise<PostgresProcess> => {
  const data = join(folder, "data");
  const log = join(folder, "log");
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    // Another process may take the port before the server does: then once more, with another.
    const at = port ?? (await freePort());
    const all = {
      listen_addresses: "127.0.0.1",
      port: at,
      unix_socket_directories: folder,
      ...settings,
    };
    const args = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const output = openSync(log, "a");
    const child = spawnPostgresProgram("postgres", ["-D", data, ...args], { cwd: folder, output });
    closeSync(output);
    const ended = once(child, "exit");
    if (await untilReady(child, data)) {
      const { pid } = child;
      if (pid === undefined) throw new Error("a server without a process");
      const end = async (how: keyof typeof signals): Promise<void> => {
        if (hasEnded(child)) return;
        const others = how === "kill" ? childrenOf(pid) : [];
        child.kill(signals[how]);
        for (const other of others) killIfThere(other);
        await ended;
      };
      return { pid, port: at, end };
    }
    await ended;
    // After a kill, its children need a moment to notice.
    await pause(100 * attempt);
  }
  throw new Error(`PostgreSQL did not start: ${readFileSync(log, "utf8").slice(-2_000)}`);
};
