import type { Runtime, SpaceId } from "@synchro/core";
import { StoreClosedError } from "../store-closed-error.ts";
import { StoreUnavailableError } from "../store-unavailable-error.ts";
import type { PushOutcome, StorePush } from "../store.ts";
import type { GroupOutcome } from "./plan-group.ts";

/** Pushes that share a transaction at most. */
const GROUP_PUSHES_MAX = 256;
/** Units of text past which a group ends. */
const GROUP_UNITS_MAX = 8 * 1024 * 1024;
/** What a change counts besides its value. */
const CHANGE_UNITS = 256;

export type PushQueueLimits = {
  /** Spaces that are written to at once: each takes a connection. */
  readonly spacesMax: number;
  /** Pushes that wait or are being written, and what they hold in units of text. */
  readonly pushesMax: number;
  readonly unitsMax: number;
};

export const defaultPushQueueLimits: PushQueueLimits = {
  spacesMax: 8,
  pushesMax: 10_000,
  unitsMax: 64 * 1024 * 1024,
};

type Waiting = {
  readonly push: StorePush;
  readonly units: number;
  readonly resolve: (outcome: PushOutcome) => void;
  readonly reject: (error: unknown) => void;
};

const unitsOf = ({ changes }: StorePush): number => {
  let units = CHANGE_UNITS;
  for (const change of changes) {
    units += CHANGE_UNITS + (change.kind === "write" ? (change.value?.length ?? 0) : 0);
  }
  return units;
};

/**
 * Group commit: what waits for a space while a group of it is being committed goes together in the
 * next. Order is kept within a space; spaces take turns.
 */
export class PushQueue {
  readonly #commit: (
    space: SpaceId,
    pushes: readonly StorePush[],
  ) => Promise<readonly GroupOutcome[]>;
  readonly #soon: Runtime["soon"];
  readonly #limits: PushQueueLimits;
  /** By space what waits for it. A space that is being written to stays, with nothing. */
  readonly #waiting = new Map<SpaceId, Waiting[]>();
  /** Spaces that wait for their turn, in order. */
  readonly #turns: SpaceId[] = [];
  #writing = 0;
  #pushes = 0;
  #units = 0;
  #isClosed = false;
  #whenIdle: (() => void)[] = [];

  constructor(
    commit: (space: SpaceId, pushes: readonly StorePush[]) => Promise<readonly GroupOutcome[]>,
    soon: Runtime["soon"],
    limits: PushQueueLimits,
  ) {
    this.#commit = commit;
    this.#soon = soon;
    this.#limits = limits;
  }

  /**
   * Resolves once what became of a push is known and, if it was applied, durable.
   *
   * @throws StoreUnavailableError if too much waits already.
   */
  submit(push: StorePush): Promise<PushOutcome> {
    if (this.#isClosed) return Promise.reject(new StoreClosedError());
    const units = unitsOf(push);
    const { pushesMax, unitsMax } = this.#limits;
    const isAlone = this.#pushes === 0;
    if (!isAlone && (this.#pushes >= pushesMax || this.#units + units > unitsMax)) {
      return Promise.reject(new StoreUnavailableError("busy", "too many pushes wait"));
    }
    this.#pushes += 1;
    this.#units += units;
    return new Promise((resolve, reject) => {
      const waiting = { push, units, resolve, reject };
      const others = this.#waiting.get(push.space);
      if (others !== undefined) {
        others.push(waiting);
        return;
      }
      this.#waiting.set(push.space, [waiting]);
      this.#turns.push(push.space);
      this.#next();
    });
  }

  /** Refuses what comes from now on, and waits for what has come. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#pushes === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #next(): void {
    while (this.#writing < this.#limits.spacesMax) {
      const space = this.#turns.shift();
      if (space === undefined) return;
      this.#writing += 1;
      // Everything that is ready now gets to come in first.
      this.#soon(() => {
        void this.#write(space);
      });
    }
  }

  async #write(space: SpaceId): Promise<void> {
    const group = this.#takeGroup(space);
    try {
      const outcomes = await this.#commit(
        space,
        group.map(({ push }) => push),
      );
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) reject(new Error("a push was left unanswered"));
        else if (outcome.kind === "failed") reject(outcome.error);
        else resolve(outcome);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    this.#writing -= 1;
    for (const { units } of group) {
      this.#pushes -= 1;
      this.#units -= units;
    }
    // To the end of the line, so that one busy space leaves room for the others.
    if ((this.#waiting.get(space)?.length ?? 0) > 0) this.#turns.push(space);
    else this.#waiting.delete(space);
    this.#next();
    if (this.#pushes === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #takeGroup(space: SpaceId): readonly Waiting[] {
    const waiting = this.#waiting.get(space) ?? [];
    let units = 0;
    let count = 0;
    for (const each of waiting) {
      units += each.units;
      if (count > 0 && (count >= GROUP_PUSHES_MAX || units > GROUP_UNITS_MAX)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }
}
