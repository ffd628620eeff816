import type { Actor } from "../control/control-store.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";

/** Who runs this command, and when, for what the control store notes. */
export const actingNow = (): Actor => {
  const { actor, at } = cliActor(systemRuntime);
  return { actor, now: at };
};
