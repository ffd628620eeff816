import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const door = join(import.meta.dirname, "../../bin/synchro.mjs");

export type Ended = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type CliProcess = {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Ended>;
};

export type CliOptions = {
  readonly cwd: string;
  readonly environment?: { readonly [name: string]: string };
  /** What it reads; absent: nothing. Null: its input stays open. */
  readonly input?: string | null;
};

/** Starts the program as a person would, in a folder of its own and without our variables. */
export const startCli = (args: readonly string[], options: CliOptions): CliProcess => {
  const { cwd, environment = {}, input = "" } = options;
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const child = spawn(process.execPath, ["--conditions=source", door, ...args], { cwd, env });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // One that refuses its input leaves it unread.
  child.stdin.on("error", () => {});
  if (input !== null) child.stdin.end(input);
  const ended = once(child, "close").then(([code]): Ended => ({
    ...output,
    code: code as number | null,
  }));
  return { child, output, ended };
};

export type ServerProcess = CliProcess & {
  readonly url: string;
  /** Ends it in good order. */
  readonly stop: () => Promise<void>;
};

/** Starts a server on a free port, and resolves when it listens. */
export const startServerProcess = async (
  args: readonly string[],
  options: CliOptions,
): Promise<ServerProcess> => {
  const server = startCli(["serve", "--port", "0", ...args], options);
  const url = await new Promise<string>((resolve, reject) => {
    server.child.stdout?.on("data", () => {
      const found = /listens on (\S+)\n/.exec(server.output.stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    server.ended.then(({ stderr }) => reject(new Error(`ended: ${stderr}`)), reject);
  });
  const stop = async (): Promise<void> => {
    server.child.kill("SIGTERM");
    await server.ended;
  };
  return { ...server, url, stop };
};
