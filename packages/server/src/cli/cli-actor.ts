import { hostname, userInfo } from "node:os";
import type { Runtime } from "@synchro/core";
import type { Actor, AuditEntry } from "../control/control-store.ts";
import { systemRuntime } from "../system-runtime.ts";

const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // A user that has a number and no name.
    return String(process.getuid?.() ?? "unknown");
  }
};

/** Who runs a command, as the log names it (`cli:USER@HOST`), and when. */
export const cliActor = (
  runtime: Pick<Runtime, "now"> = systemRuntime,
): Actor & Pick<AuditEntry, "at"> => {
  const now = runtime.now();
  return { actor: `cli:${userName()}@${hostname()}`, now, at: now };
};
