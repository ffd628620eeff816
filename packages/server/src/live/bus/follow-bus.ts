import type { Cancel, Runtime, SpaceId } from "@synchro/core";
import type { Hub } from "../hub.ts";
import type { Bus, Hint } from "./bus.ts";
import { createHeadPoll, type ReadHeads } from "./head-poll.ts";

/** Spaces that are woken in a row when all must look, and the milliseconds before the next ones. */
const WAKE_SPACES = 50;
const WAKE_PAUSE_MS = 25;

/** Milliseconds between two wakings of everybody, however often there is reason to. */
const WAKE_ALL_EVERY_MS = 1_000;

export type FollowBusDeps = {
  readonly runtime: Runtime;
  readonly hub: Pick<Hub<unknown>, "announce" | "isWatched" | "watched">;
  readonly bus: Bus;
  /** The heads of spaces as the store has them; null: nobody else writes to it. */
  readonly readHeads: ReadHeads | null;
  /** When it aborts nothing is read or woken any more. */
  readonly signal: AbortSignal;
};

/** Wakes all that anyone listens to, a few at a time: a reconnect must not be a burst of reads. */
const createWakeAll = ({ runtime, hub, signal }: FollowBusDeps): (() => void) => {
  let isRunning = false;
  let isDueAgain = false;
  const wake = (left: readonly SpaceId[]): void => {
    if (signal.aborted) return;
    for (const space of left.slice(0, WAKE_SPACES)) hub.announce(space);
    const rest = left.slice(WAKE_SPACES);
    if (rest.length > 0) runtime.after(WAKE_PAUSE_MS, () => wake(rest));
    else runtime.after(WAKE_ALL_EVERY_MS, end);
  };
  const end = (): void => {
    isRunning = false;
    if (isDueAgain) begin();
  };
  const begin = (): void => {
    isDueAgain = isRunning;
    if (isRunning) return;
    isRunning = true;
    wake(hub.watched());
  };
  return begin;
};

/**
 * Joins a node's hub with the others: what is committed here is announced here at once and told to
 * them; what they tell is announced here, whatever seq it names. When hints may have been lost all
 * that anyone listens to is woken, and the heads of that are looked at now and then in any case.
 *
 * @returns what is to be called after each commit.
 */
export const followBus = (deps: FollowBusDeps): ((hint: Hint) => void) => {
  const { hub, bus, readHeads, signal } = deps;
  const poll = readHeads === null ? null : createHeadPoll({ ...deps, readHeads });
  const announce = (hint: Hint): void => {
    poll?.note(hint);
    hub.announce(hint.space, hint.seq);
  };
  const stopListening: Cancel = bus.listen({ onHint: announce, onGap: createWakeAll(deps) });
  signal.addEventListener("abort", stopListening);
  return (hint) => {
    announce(hint);
    bus.publish(hint);
  };
};
