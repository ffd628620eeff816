import type { Seq, SpaceId } from "@synchro/core";
import { encodeHints, gapPayload } from "./hint-payload.ts";
import type { Hint } from "./bus.ts";

/** Spaces that may wait to be told of; past it the others are told to look at everything. */
const PENDING_SPACES_MAX = 10_000;

/** What has not been sent yet: the last seq of each space, in bounded memory. */
export type PendingHints = {
  readonly add: (hint: Hint) => void;
  readonly isEmpty: () => boolean;
  /** All of it as messages; what is taken is gone unless it is put back. */
  readonly take: () => TakenHints;
  /** After a failed send: only where nothing newer was added. */
  readonly putBack: (taken: TakenHints) => void;
};

export type TakenHints = {
  readonly payloads: readonly string[];
  readonly bySpace: ReadonlyMap<SpaceId, Seq>;
  readonly hasLost: boolean;
};

export const createPendingHints = (): PendingHints => {
  let bySpace = new Map<SpaceId, Seq>();
  let hasLost = false;
  const add = ({ space, seq }: Hint): void => {
    if (hasLost) return;
    bySpace.set(space, seq);
    if (bySpace.size <= PENDING_SPACES_MAX) return;
    hasLost = true;
    bySpace = new Map();
  };
  return {
    add,
    isEmpty: () => bySpace.size === 0 && !hasLost,
    take: () => {
      const hints = Array.from(bySpace, ([space, seq]) => ({ space, seq }));
      const payloads = hasLost ? [gapPayload] : encodeHints(hints);
      const taken = { payloads, bySpace, hasLost };
      bySpace = new Map();
      hasLost = false;
      return taken;
    },
    putBack: (taken) => {
      if (taken.hasLost) {
        hasLost = true;
        bySpace = new Map();
        return;
      }
      for (const [space, seq] of taken.bySpace) {
        if (!bySpace.has(space)) add({ space, seq });
      }
    },
  };
};
