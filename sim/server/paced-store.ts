import type { Epoch, Runtime, SpaceId, Stamp, StoredRecord } from "@synchro/core";
import type {
  EraseOutcome,
  PurgeOutcome,
  PushOutcome,
  Store,
  StorePush,
} from "../../packages/server/src/store/store.ts";
import type { Random } from "../world/random.ts";

/** Who watches a server from within. Called in the very step in which the thing happened. */
export type ServerObserver = {
  readonly pushed: (request: StorePush, outcome: PushOutcome) => void;
  /** An erasure is asked for, at this time by the server's clock. */
  readonly erasing: (space: SpaceId, now: Stamp) => void;
  readonly erased: (
    space: SpaceId,
    outcome: EraseOutcome & { readonly epoch: Epoch | null },
  ) => void;
  readonly purged: (space: SpaceId, cutoff: Stamp, outcome: PurgeOutcome) => void;
  /** Records leave the server for someone who was ready to take them since `readySinceMs`. */
  readonly sent: (space: SpaceId, records: readonly StoredRecord[], readySinceMs: number) => void;
};

const PAUSE_MS_MAX = 3;

/**
 * The store with time before and after each call, as an engine that waits for a disk or a network
 * has it. The commit itself stays where the engine puts it; what may come between commit and answer
 * (others' commits, a kill) then does.
 */
export const paceStore = (
  store: Store,
  deps: { readonly runtime: Runtime; readonly random: Random; readonly observer: ServerObserver },
): Store => {
  const { runtime, random, observer } = deps;
  const pause = (): Promise<void> => {
    if (random.chance(0.3)) return Promise.resolve();
    return new Promise((resolve) => {
      runtime.after(random.between(0, PAUSE_MS_MAX), resolve);
    });
  };
  const paced = async <Outcome>(
    call: () => Promise<Outcome>,
    observe: (outcome: Outcome) => void = () => {},
  ): Promise<Outcome> => {
    await pause();
    const outcome = await call();
    observe(outcome);
    await pause();
    return outcome;
  };
  return {
    capabilities: store.capabilities,
    epoch: store.epoch,
    push: (request) =>
      paced(
        () => store.push(request),
        (outcome) => observer.pushed(request, outcome),
      ),
    pull: (request) => paced(() => store.pull(request)),
    openSnapshot: (space) => paced(() => store.openSnapshot(space)),
    listSpaces: () => paced(() => store.listSpaces()),
    describeSpace: (space) => paced(() => store.describeSpace(space)),
    listEvidence: (space, of) => paced(() => store.listEvidence(space, of)),
    listRejections: (space, of) => paced(() => store.listRejections(space, of)),
    listHistory: (space, of) => paced(() => store.listHistory(space, of)),
    purge: (space, cutoff) =>
      paced(
        () => store.purge(space, cutoff),
        (outcome) => observer.purged(space, cutoff, outcome),
      ),
    beginEpoch: (space) => paced(() => store.beginEpoch(space)),
    eraseSpace: async (space) => {
      await pause();
      observer.erasing(space, runtime.now());
      const outcome = await store.eraseSpace(space);
      const state = await store.describeSpace(space);
      observer.erased(space, { ...outcome, epoch: state?.epochs.at(-1)?.epoch ?? null });
      await pause();
      return outcome;
    },
    close: () => store.close(),
  };
};
