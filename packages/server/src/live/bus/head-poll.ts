import type { Runtime, Seq, SpaceId } from "@synchro/core";
import type { Hub } from "../hub.ts";
import type { Hint } from "./bus.ts";

/** The heads of those that exist, as they are on the primary: one query, however many are asked for. */
export type ReadHeads = (spaces: readonly SpaceId[]) => Promise<ReadonlyMap<SpaceId, Seq>>;

/** Milliseconds between two looks; up to a quarter more at random, so that nodes don't look together. */
export const HEADS_EVERY_MS = 5_000;

export type HeadPoll = {
  /** Who listens to this space has been woken for this head. */
  readonly note: (hint: Hint) => void;
};

/**
 * The backstop of a bus: looks at the heads of all spaces that anyone listens to, in one query a
 * time, and announces those whose head is another than the one that was last announced: a lower one
 * too. One that it sees for the first time it announces: a hint may have been lost since its
 * listener looked. A look that fails is made up for by the next.
 */
export const createHeadPoll = (deps: {
  readonly runtime: Runtime;
  readonly hub: Pick<Hub<unknown>, "announce" | "isWatched" | "watched">;
  readonly readHeads: ReadHeads;
  readonly signal: AbortSignal;
}): HeadPoll => {
  const { runtime, hub, readHeads, signal } = deps;
  let known = new Map<SpaceId, Seq | undefined>();
  const compare = async (): Promise<void> => {
    const spaces = hub.watched();
    const before = known;
    known = new Map(spaces.flatMap((id) => (before.has(id) ? [[id, before.get(id)]] : [])));
    if (spaces.length === 0) return;
    const asked = new Map(known);
    const heads = await readHeads(spaces);
    if (signal.aborted) return;
    for (const space of spaces) {
      // Noted meanwhile: what was read may be older.
      if (known.get(space) !== asked.get(space)) continue;
      const head = heads.get(space);
      if (asked.has(space) && asked.get(space) === head) continue;
      known.set(space, head);
      hub.announce(space, head);
    }
  };
  const lookLater = (): void => {
    const extraMs = ((runtime.randomBytes(1)[0] ?? 0) / 255) * (HEADS_EVERY_MS / 4);
    const cancel = runtime.after(HEADS_EVERY_MS + extraMs, () => {
      signal.removeEventListener("abort", cancel);
      // What is wrong with the database is told by those who need it.
      void compare()
        .catch(() => {})
        .then(() => (signal.aborted ? undefined : lookLater()));
    });
    signal.addEventListener("abort", cancel);
  };
  lookLater();
  return {
    note: ({ space, seq }) => {
      if (hub.isWatched(space)) known.set(space, seq);
    },
  };
};
