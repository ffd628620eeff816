import type { Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { Logger } from "pino";
import type { ControlStore } from "../control/control-store.ts";
import { identifyAnybody } from "../service/authorize.ts";
import { followAccessState } from "./access-state.ts";
import type { Access } from "./create-access.ts";

/**
 * Open mode: who reaches the server may do everything, in every space that was not deleted.
 * Spec: OPEN-2, OPEN-7.
 */
export const createOpenAccess = (deps: {
  readonly control: Pick<ControlStore, "readAccess">;
  readonly runtime: Pick<Runtime, "monotonicMs" | "after">;
  readonly limits: Limits;
  readonly logger: Pick<Logger, "error" | "warn">;
}): Access => {
  const followed = followAccessState(deps);
  return {
    identify: identifyAnybody,
    authorize: async (_, space) => {
      const state = await followed.current();
      if (state === null) return { kind: "unavailable" };
      if (state.deletedSpaces.has(space)) return { kind: "hidden" };
      return { kind: "allowed", subject: null };
    },
    quotaOf: followed.quotaOf,
    stop: followed.stop,
  };
};
