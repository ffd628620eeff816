import type { CollectionName, SpaceId, SpaceState, StoredRecord } from "@synchro/core";
import { answerPull } from "../../packages/server/src/store/answer-pull.ts";
import type { PullOutcome, StorePull } from "../../packages/server/src/store/store.ts";
import type { Random } from "../world/random.ts";
import type { Scheduler } from "../world/scheduler.ts";

/** A space as it was after some commit. */
type Snapshot = {
  readonly space: SpaceId;
  readonly state: SpaceState | null;
  readonly records: readonly StoredRecord[];
};

/** The data of a replica: those of the primary, as they were a while ago. They outlive its process. */
export type ReplicaView = {
  /** The primary has committed this. */
  readonly feed: (snapshot: Snapshot) => void;
  /** The primary's data were put back: the replica is made anew from them. */
  readonly clear: () => void;
  /** Applies nothing for so long. */
  readonly stall: (forMs: number) => void;
  /** What the primary has committed until now must be here before anybody may read. */
  readonly hold: () => void;
  readonly isHeld: () => boolean;
  /** From now on it is up to date at once. */
  readonly catchUp: () => void;
  /** What this replica would answer, resets included: whether it may is the router's to judge. */
  readonly pull: (request: StorePull, declared: readonly CollectionName[]) => PullOutcome;
  /** When it last applied something; null while it is behind. */
  readonly caughtUpAtMs: () => number | null;
};

const TICK_MS = 5;

// oxlint-disable-next-line max-lines-per-function -- a list of what happens to a log, most of it a few lines each
export const createReplicaView = (deps: {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly lagMsMax: number;
  readonly onApplied: (space: SpaceId) => void;
}): ReplicaView => {
  const { scheduler, random, onApplied } = deps;
  let snapshots = new Map<SpaceId, Snapshot>();
  let log: { readonly snapshot: Snapshot; readonly dueMs: number }[] = [];
  let lagMsMax = deps.lagMsMax;
  let stalledUntilMs = 0;
  let appliedAtMs = 0;
  let hasTimer = false;
  let isHeld = false;
  const apply = (): void => {
    hasTimer = false;
    const nowMs = scheduler.nowMs();
    const due = nowMs < stalledUntilMs ? [] : log.filter(({ dueMs }) => dueMs <= nowMs);
    log = log.slice(due.length);
    for (const { snapshot } of due) {
      snapshots.set(snapshot.space, snapshot);
      appliedAtMs = nowMs;
      onApplied(snapshot.space);
    }
    isHeld = isHeld && log.length > 0;
    wind();
  };
  const wind = (): void => {
    const [next] = log;
    if (next === undefined || hasTimer) return;
    hasTimer = true;
    const waitMs = Math.max(next.dueMs, stalledUntilMs) - scheduler.nowMs();
    scheduler.after(Math.max(0, waitMs), "replica applies", apply);
  };
  return {
    feed: (snapshot) => {
      const lagMs = random.between(0, lagMsMax);
      // In commit order: nothing overtakes what came before.
      const dueMs = Math.max(log.at(-1)?.dueMs ?? 0, scheduler.nowMs() + lagMs);
      log.push({ snapshot, dueMs });
      wind();
    },
    clear: () => {
      snapshots = new Map();
      log = [];
    },
    hold: () => {
      isHeld = log.length > 0;
    },
    isHeld: () => isHeld,
    stall: (forMs) => {
      stalledUntilMs = scheduler.nowMs() + forMs;
    },
    catchUp: () => {
      lagMsMax = TICK_MS;
      stalledUntilMs = 0;
      const nowMs = scheduler.nowMs();
      log = log.map(({ snapshot }) => ({ snapshot, dueMs: nowMs }));
      scheduler.after(0, "replica applies", apply);
    },
    pull: (request, declared) => {
      const { state = null, records = [] } = snapshots.get(request.space) ?? {};
      return answerPull(state, request, declared, (plan, collections) =>
        records.filter(
          ({ collection, seq, value }) =>
            collections.includes(collection) &&
            seq > plan.after &&
            (value !== null || seq > plan.tombstonesAfter),
        ),
      );
    },
    caughtUpAtMs: () => (log.length === 0 ? appliedAtMs : null),
  };
};
