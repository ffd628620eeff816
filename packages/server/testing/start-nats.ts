import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

export type TestNats = {
  readonly port: number;
  /** Ends it at once. */
  readonly stop: () => Promise<void>;
  /** At the same place, after `stop`. */
  readonly start: () => Promise<void>;
};

const freePort = async (): Promise<number> => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, "close");
  return port;
};

const startProcess = async (
  port: number,
  more: readonly string[],
): Promise<() => Promise<void>> => {
  const args = ["--addr", "127.0.0.1", "--port", String(port), ...more];
  const child = spawn("nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  let log = "";
  const ready = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("Server is ready")) resolve();
    });
    child.on("close", () => reject(new Error(`nats-server ended: ${log}`)));
  });
  ready.catch(() => {});
  await ready;
  return async () => {
    child.kill("SIGKILL");
    await ended;
  };
};

/** A real nats-server on a free port of 127.0.0.1; the caller stops it. */
export const startNats = async (...more: readonly string[]): Promise<TestNats> => {
  const port = await freePort();
  let end = await startProcess(port, more);
  return {
    port,
    stop: () => end(),
    start: async () => {
      end = await startProcess(port, more);
    },
  };
};
