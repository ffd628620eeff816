import {
  addMicros,
  type CursorPosition,
  decodeCursor,
  lifeOf,
  lifeOfSpace,
  type PushChange,
  recordId,
  type Seq,
  type SpaceId,
  type StoredRecord,
} from "@synchro/core";
import type { Services } from "../../packages/server/src/service/services.ts";
import type { Store, StorePull, StorePush } from "../../packages/server/src/store/store.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { readAll, storeWith } from "./store-with.ts";

const storing =
  (calls: (real: Store, deps: { readonly nowMs: () => number }) => Partial<Store>) =>
  (): ReturnType<PlantedBug["plant"]> => ({
    server: { store: (real, deps) => storeWith(real, calls(real, deps)) },
  });

/** A server that reads another pull than it was asked for. */
const asking = (alter: (request: StorePull, real: Store) => Promise<StorePull>) =>
  storing((real) => ({ pull: async (request) => real.pull(await alter(request, real)) }));

const serving = (alter: (real: Services) => Partial<Services>) => () => ({
  server: { services: (real: Services): Services => ({ ...real, ...alter(real) }) },
});

const isPosition = (cursor: StorePull["cursor"]): cursor is CursorPosition =>
  cursor !== null && cursor !== "invalid";

const timeAsCursor: PlantedBug = {
  name: "time-as-cursor",
  rule: "PULL-1",
  does: "leaves out what is stamped before the newest that the caller has",
  plant: storing((real) => ({
    pull: async (request) => {
      const outcome = await real.pull(request);
      const { cursor } = request;
      if (!isPosition(cursor) || outcome.reset !== null) return outcome;
      const all = await readAll(real, request.space);
      const seen = all.filter(({ seq }) => seq <= cursor.seq).map(({ stamp }) => stamp);
      const newest = seen.toSorted().at(-1) ?? "";
      return { ...outcome, records: outcome.records.filter(({ stamp }) => stamp > newest) };
    },
  })),
};

type Commit = {
  readonly space: SpaceId;
  readonly first: Seq;
  readonly last: Seq;
  readonly atMs: number;
};

/** Remembers what was committed together, and lets a pull be altered by it. */
const knowingCommits = (
  alter: (
    outcome: Awaited<ReturnType<Store["pull"]>>,
    commits: readonly Commit[],
    nowMs: number,
  ) => Awaited<ReturnType<Store["pull"]>>,
) =>
  storing((real, { nowMs }) => {
    const commits: Commit[] = [];
    return {
      push: async (request) => {
        const outcome = await real.push(request);
        if (outcome.kind === "committed" && outcome.changed > 0) {
          const last = outcome.position.seq;
          const { space } = request;
          commits.push({ space, first: last - outcome.changed + 1, last, atMs: nowMs() });
        }
        return outcome;
      },
      pull: async (request) =>
        alter(
          await real.pull(request),
          commits.filter(({ space }) => space === request.space),
          nowMs(),
        ),
    };
  });

const tieAtPageEdge: PlantedBug = {
  name: "tie-at-the-page-edge",
  rule: "PULL-1",
  does: "goes on after all that was written at one time when a page ends amid it",
  plant: knowingCommits((outcome, commits) => {
    const { position, more } = outcome;
    if (position === null || !more) return outcome;
    const commit = commits.findLast(
      ({ first, last }) => first <= position.seq && position.seq < last,
    );
    if (commit === undefined) return outcome;
    return { ...outcome, position: { ...position, seq: commit.last } };
  }),
};

const VISIBLE_AFTER_MS = 20;

const seqBeforeCommit: PlantedBug = {
  name: "seq-before-it-is-visible",
  rule: "STORE-2",
  does: "tells a head whose last changes nobody can see yet",
  plant: knowingCommits((outcome, commits, nowMs) => {
    const hidden = commits.filter(({ atMs }) => nowMs - atMs < VISIBLE_AFTER_MS);
    const isHidden = ({ seq }: StoredRecord): boolean =>
      hidden.some(({ first, last }) => first <= seq && seq <= last);
    return { ...outcome, records: outcome.records.filter((record) => !isHidden(record)) };
  }),
};

const alterWrites = (
  request: StorePush,
  alter: (change: Extract<PushChange, { kind: "write" }>) => PushChange,
): StorePush => ({
  ...request,
  changes: request.changes.map((change) => (change.kind === "write" ? alter(change) : change)),
});

const restamps: PlantedBug = {
  name: "server-restamps",
  rule: "PUSH-1",
  does: "stamps what it stores with its own clock",
  plant: storing((real) => ({
    push: (request) =>
      real.push(alterWrites(request, (change) => ({ ...change, stamp: request.now }))),
  })),
};

const appliedTwice: PlantedBug = {
  name: "ack-lost-and-applied-twice",
  rule: "PUSH-7",
  does: "takes changes that were sent again for new ones",
  plant: storing((real) => {
    const seen = new Set<string>();
    return {
      push: (request) => {
        const text = JSON.stringify([request.clientId, request.changes]);
        const isAgain = seen.has(text);
        seen.add(text);
        if (!isAgain) return real.push(request);
        return real.push(
          alterWrites(request, (change) => ({ ...change, stamp: addMicros(change.stamp, 1) })),
        );
      },
    };
  }),
};

const purgedRaised: PlantedBug = {
  name: "purged-record-raised",
  rule: "PURGE-5",
  does: "takes a change to what a purge took for a new record",
  plant: storing((real) => ({
    push: async (request) => {
      const outcome = await real.push(request);
      const isStale =
        outcome.kind === "committed" &&
        outcome.results.some(
          (result) => result.kind === "rejected" && result.rejection.code === "stale",
        );
      return isStale ? real.push({ ...request, checksClocks: false }) : outcome;
    },
  })),
};

const floorWithoutStart: PlantedBug = {
  name: "floor-without-start",
  rule: "RESET-3",
  does: "holds a run from the beginning against the purge floor, so that it begins for ever",
  plant: asking(async (request, real) => {
    const { cursor, space } = request;
    const floor = (await real.describeSpace(space))?.floor ?? 0;
    if (!isPosition(cursor) || cursor.seq >= floor) return request;
    return { ...request, cursor: { ...cursor, start: null } };
  }),
};

const floorNotChecked: PlantedBug = {
  name: "floor-not-checked",
  rule: "RESET-3",
  does: "resets nobody who has missed deletes that a purge took",
  plant: storing((real) => ({
    pull: async (request) => {
      const { cursor, space } = request;
      const floor = (await real.describeSpace(space))?.floor ?? 0;
      if (!isPosition(cursor) || cursor.seq >= floor) return real.pull(request);
      const outcome = await real.pull({ ...request, cursor: { ...cursor, start: floor } });
      const { position } = outcome;
      if (outcome.reset !== null || position === null) return outcome;
      return { ...outcome, position: { ...position, start: cursor.start } };
    },
  })),
};

const restoreNotNoticed: PlantedBug = {
  name: "restore-not-noticed",
  rule: "EPOCH-3",
  does: "takes any cursor for one of the present epoch",
  plant: asking(async (request, real) => {
    const { cursor } = request;
    const state = await real.describeSpace(request.space);
    const epoch = state?.epochs.at(-1)?.epoch;
    if (state === null || epoch === undefined || !isPosition(cursor)) {
      return { ...request, ack: null };
    }
    const { head: _, ...place } = cursor;
    const seq = Math.min(place.seq, state.head);
    const start = place.start === null ? null : Math.min(place.start, state.head);
    return { ...request, ack: null, cursor: { ...place, epoch, seq, start } };
  }),
};

const ackNotJudged: PlantedBug = {
  name: "ack-not-judged",
  rule: "RESET-2",
  does: "judges the cursor alone",
  plant: asking(async (request) => ({ ...request, ack: null })),
};

const tombstonesNotSent: PlantedBug = {
  name: "tombstones-not-sent",
  rule: "RESET-7",
  does: "sends no tombstones in an offer run",
  plant: storing((real) => ({
    pull: async (request) => {
      const outcome = await real.pull({ ...request, tombstones: false });
      if (outcome.reset !== "offer") return outcome;
      return { ...outcome, records: outcome.records.filter(({ value }) => value !== null) };
    },
  })),
};

const streamForgetsOfferRun: PlantedBug = {
  name: "stream-forgets-offer-run",
  rule: "RESET-7",
  does: "leaves the tombstones out of a stream's later pages",
  plant: serving((real) => ({
    pull: (input) => {
      const position = input.cursor === null ? null : decodeCursor(input.cursor);
      const isLater = position !== null && position !== "invalid" && position.start !== null;
      const isStream = input.bytesMax !== undefined;
      return real.pull(isStream && isLater ? { ...input, tombstones: false } : input);
    },
  })),
};

const ackHiddenByPush: PlantedBug = {
  name: "ack-hidden-by-a-push",
  rule: "PUSH-14",
  does: "answers a push alone with a new ack although the old one calls for a reset",
  plant: serving((real) => ({
    sync: (input) =>
      real.sync(input.pulls ? input : { ...input, pull: { ...input.pull, ack: null } }),
  })),
};

const echoOfClient: PlantedBug = {
  name: "echo-left-out-by-client",
  rule: "PULL-1",
  does: "never sends a client what that client once wrote",
  plant: serving((real) => {
    const written = new Set<string>();
    return {
      sync: async (input) => {
        const idOf = (version: { collection: string; key: string; stamp: string }): string =>
          `${input.clientId} ${recordId(version.collection as never, version.key)} ${version.stamp}`;
        for (const change of input.changes) {
          if (change.kind === "write") written.add(idOf(change));
        }
        const answer = await real.sync(input);
        if (answer.kind !== "answered") return answer;
        const winners = new Set(answer.push?.lostTo.map(({ seq }) => seq));
        const records = answer.records.filter(
          (record) => winners.has(record.seq) || !written.has(idOf(record)),
        );
        return { ...answer, records };
      },
    };
  }),
};

const winnerLeftOut: PlantedBug = {
  name: "winner-left-out",
  rule: "PUSH-3",
  does: "does not send the record that beat a change",
  plant: serving((real) => ({
    sync: async (input) => {
      const answer = await real.sync(input);
      if (answer.kind !== "answered" || answer.push === null) return answer;
      const winners = new Set(
        answer.push.results.flatMap((one) => (one.kind === "superseded" ? [one.seq] : [])),
      );
      return { ...answer, records: answer.records.filter(({ seq }) => !winners.has(seq)) };
    },
  })),
};

/** One wake-up in so many is lost. */
const LOST_EVERY = 4;

const wakeUpLost: PlantedBug = {
  name: "wake-up-lost",
  rule: "LIVE-3",
  does: "sleeps on after some of the commits",
  plant: serving((real) => {
    let wakes = 0;
    const isLost = (): boolean => {
      wakes += 1;
      return wakes % LOST_EVERY === 0;
    };
    return {
      hub: {
        ...real.hub,
        listen: (space, onNews) => {
          const hear = onNews && ((): void => (isLost() ? undefined : onNews()));
          const listener = real.hub.listen(space, hear);
          return {
            ...listener,
            wait: async (idleMs, signal) => {
              const reason = await listener.wait(idleMs, signal);
              if (reason !== "changed" || !isLost()) return reason;
              return listener.wait(idleMs, signal);
            },
          };
        },
      },
    };
  }),
};

const finalRestoreOffered: PlantedBug = {
  name: "given-up-data-offered",
  rule: "RESET-10",
  does: "asks for what was given up by a final restore or an erasure, as after any other restore",
  plant: storing((real) => ({
    pull: async (request) => {
      const outcome = await real.pull(request);
      const state = await real.describeSpace(request.space);
      const life = lifeOfSpace(state?.epochs ?? []);
      const places = [request.cursor, request.ack];
      const isOfEarlierLife = places.some(
        (place) => place !== null && place !== "invalid" && lifeOf(place.epoch) < life,
      );
      if (outcome.reset !== "drop" || !isOfEarlierLife) return outcome;
      return real.pull({ ...request, cursor: "invalid" });
    },
  })),
};

/** Of the server. */
export const servingBugs: readonly PlantedBug[] = [
  timeAsCursor,
  tieAtPageEdge,
  seqBeforeCommit,
  restamps,
  appliedTwice,
  purgedRaised,
  floorWithoutStart,
  floorNotChecked,
  restoreNotNoticed,
  ackNotJudged,
  tombstonesNotSent,
  streamForgetsOfferRun,
  ackHiddenByPush,
  echoOfClient,
  winnerLeftOut,
  wakeUpLost,
  finalRestoreOffered,
];
