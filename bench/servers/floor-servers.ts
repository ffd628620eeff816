import { fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { KeyOrder } from "../load/sample-records.ts";
import { portIn, type ServerProcess, startServerProcess, tempFolder } from "./server-process.ts";

const floor = (name: string): string => join(import.meta.dirname, `../floors/${name}.ts`);

export const startBareHttp = (): Promise<ServerProcess> =>
  startServerProcess({
    program: floor("bare-http"),
    args: () => [],
    ready: portIn(/^(\d+)$/m),
  });

export const startBareWs = (
  options: { readonly nodeFlags?: readonly string[] } = {},
): Promise<ServerProcess> =>
  startServerProcess({
    ...options,
    program: floor("bare-ws"),
    args: () => [],
    ready: portIn(/^(\d+)$/m),
  });

/** Over the data of a Synchro server, which may run on beside it: the caller removes the folder. */
export const startRawRead = (folder: string): Promise<ServerProcess> =>
  startServerProcess({
    program: floor("raw-read"),
    args: () => [folder],
    folder,
    ready: portIn(/^(\d+)$/m),
  });

type Pushed = { readonly seconds: number; readonly cpuSeconds: number; readonly head: number };

export type RawPush = {
  /** Makes as many new bodies and pushes them; resolves with what the pushes took. */
  readonly push: (batches: number, batch: number) => Promise<Pushed>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export const startRawPush = async (keys: KeyOrder): Promise<RawPush> => {
  const folder = tempFolder();
  const child = fork(floor("raw-push"), [folder, keys], { execArgv: ["--conditions=source"] });
  const closed = once(child, "exit");
  const answer = async (): Promise<unknown> => {
    const [message] = await Promise.race([
      once(child, "message"),
      closed.then(() => Promise.reject(new Error("the raw loop ended"))),
    ]);
    return message;
  };
  await answer();
  return {
    push: async (batches, batch) => {
      const answered = answer();
      child.send({ batches, batch });
      return (await answered) as Pushed;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
