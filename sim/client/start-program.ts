import type { StartClient } from "./client.ts";
import { startNaiveClient } from "./naive-client.ts";
import { startRealClient } from "./real-client.ts";

/** Starts whichever program the device has on its disk. */
export const startProgram: StartClient = (deps) =>
  deps.disk.read().program === "naive" ? startNaiveClient(deps) : startRealClient(deps);
