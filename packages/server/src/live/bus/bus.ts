import type { Cancel, Seq, SpaceId } from "@synchro/core";

/** Says that a space has changed, and what its head was then. */
export type Hint = { readonly space: SpaceId; readonly seq: Seq };

/** Who is told on one node. Neither may throw; both return soon. */
export type BusListener = {
  /** Another node has committed to this space. */
  readonly onHint: (hint: Hint) => void;
  /** Hints of any space may have been lost until now: look at all that anyone waits for. */
  readonly onGap: () => void;
};

/**
 * How the nodes over one database tell each other that a space has changed. A lost hint is only
 * latency: whoever is woken reads the store, and looks again in time if nobody wakes him.
 *
 * Guarantees of every engine (`bus.contract.ts`):
 * - A hint that is published while both ends are connected reaches every other node, or that node
 *   gets `onGap`. Nothing is said of how soon, of order, or of how often. Of hints to one space that
 *   follow each other closely only the last may arrive.
 * - A hint is passed on whatever seq it names: a database that was restored or failed over counts
 *   from a lower head again.
 * - Whenever a node's connection comes up, the first time too, that node gets `onGap`; what was
 *   published on it meanwhile reaches the others then, as hints or as `onGap`.
 * - A node is not told its own hints.
 * - Neither a medium that is down, from the start or later, nor what a stranger writes to it makes a
 *   call fail or a hint of anything but a well-formed space; memory is bounded in every case.
 *
 * Duties of the caller: `publish` after the commit, never within a transaction.
 */
export interface Bus {
  /** Never waits and never throws. After `close` it does nothing. */
  publish(hint: Hint): void;
  /** There may be several; hints that nobody listens to are gone. */
  listen(listener: BusListener): Cancel;
  /** Tells the others what is left, if the medium takes it soon; then says and hears nothing. Idempotent. */
  close(): Promise<void>;
}
