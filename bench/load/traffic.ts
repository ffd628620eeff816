import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export type Traffic = {
  /** Ends it; resolves with what it had sent. */
  readonly stop: () => Promise<{
    readonly requests: number;
    readonly bytes: number;
    readonly statuses: Readonly<Record<string, number>>;
  }>;
};

/** Traffic from a process of its own; resolves once it has begun. See `send-traffic.ts`. */
export const startTraffic = async (port: number, kind: "hostile" | "legal"): Promise<Traffic> => {
  const program = join(import.meta.dirname, "send-traffic.ts");
  const child = spawn(process.execPath, [program, String(port), kind], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await Promise.race([
    once(child.stdout, "data"),
    closed.then(() => Promise.reject(new Error("no traffic began"))),
  ]);
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await closed;
      return JSON.parse(text.trim().split("\n").at(-1) ?? "") as Awaited<
        ReturnType<Traffic["stop"]>
      >;
    },
  };
};
