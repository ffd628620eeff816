import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type ChildProgram, freePort, lastLines, startProgram, untilSo } from "./child-program.ts";
import { renderHaproxy, renderNginx } from "./render-proxy.ts";

const deploy = join(import.meta.dirname, "../../deploy");

export type RunningProxy = {
  readonly port: number;
  readonly url: string;
  /** What the program itself says of its configuration. */
  readonly verdict: string;
  readonly stop: () => Promise<void>;
};

type ProxyOptions = {
  /** Gets its configuration and what it writes. */
  readonly folder: string;
  /** `host:port` each. */
  readonly nodes: readonly string[];
  /** 0 or absent: any free one. */
  readonly port?: number;
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => resolve(false)).once("connect", () => socket.destroy());
  });

/** @throws Error with what the program says against its configuration. */
const check = (command: readonly string[]): string => {
  const [program = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} refuses its configuration: ${stdout}${stderr}`);
  return `${stdout}${stderr}`.trim();
};

const run = async (
  command: readonly string[],
  of: { readonly log: string; readonly port: number; readonly verdict: string },
): Promise<RunningProxy> => {
  const { log, port, verdict } = of;
  const program: ChildProgram = startProgram(command, { log });
  await untilSo(`a proxy listens on port ${port}`, () => {
    if (!program.isRunning()) throw new Error(`${command[0]} did not start: ${lastLines(log)}`);
    return accepts(port);
  });
  const url = `http://127.0.0.1:${port}`;
  return { port, url, verdict, stop: () => program.end("SIGTERM", 5_000) };
};

/** nginx as `deploy/nginx.conf` has it, over other nodes. */
export const startNginx = async (options: ProxyOptions): Promise<RunningProxy> => {
  const { folder, nodes } = options;
  const port = (options.port ?? 0) === 0 ? await freePort() : Number(options.port);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "nginx.conf");
  const text = readFileSync(join(deploy, "nginx.conf"), "utf8");
  const isRoot = process.getuid?.() === 0;
  writeFileSync(file, renderNginx(text, { listen: `127.0.0.1:${port}`, nodes, folder, isRoot }));
  const command = ["nginx", "-c", file, "-p", folder, "-e", join(folder, "error.log")];
  const verdict = check([...command, "-t"]);
  const log = join(folder, "nginx.log");
  return run([...command, "-g", "daemon off;"], { log, port, verdict });
};

/** HAProxy as `deploy/haproxy.cfg` has it, over other nodes. */
export const startHaproxy = async (options: ProxyOptions): Promise<RunningProxy> => {
  const { folder, nodes } = options;
  const port = (options.port ?? 0) === 0 ? await freePort() : Number(options.port);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "haproxy.cfg");
  const text = readFileSync(join(deploy, "haproxy.cfg"), "utf8");
  writeFileSync(file, renderHaproxy(text, { listen: `127.0.0.1:${port}`, nodes }));
  const verdict = check(["haproxy", "-c", "-f", file]);
  const log = join(folder, "haproxy.log");
  return run(["haproxy", "-db", "-f", file], { log, port, verdict });
};
