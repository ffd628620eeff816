import { EMPTY_DIGEST, formatSum, parseSum, type Runtime, recordSum } from "@synchro/core";
import type { WireDigest } from "@synchro/protocol";
import type { Generation, HeldRecord } from "../store/held-record.ts";
import type { HeldDigest, StoreMeta } from "../store/store-meta.ts";

const NOTHING_HELD: HeldDigest = {
  count: EMPTY_DIGEST.count,
  sum: formatSum(EMPTY_DIGEST.sum),
  seqMax: 0,
};

type Running = { count: number; sum: bigint; seqMax: number };

/**
 * The digests of what is held, kept along as records come and go: reading all of them again at each
 * answer would cost what exists, not what changed.
 */
export class HeldDigests {
  readonly #sha256: Runtime["sha256"];
  readonly #running = new Map<string, Running>();

  constructor(kept: StoreMeta["digests"], sha256: Runtime["sha256"]) {
    this.#sha256 = sha256;
    for (const [collection, { count, sum, seqMax }] of Object.entries(kept)) {
      this.#running.set(collection, { count, sum: parseSum(sum), seqMax });
    }
  }

  /** A record takes the place of another (null: of none, or by none), under `generation`. */
  replace(before: HeldRecord | null, after: HeldRecord | null, generation: Generation): void {
    const { collection } = after ?? before ?? { collection: "" };
    let running = this.#running.get(collection);
    if (running === undefined) {
      running = { count: 0, sum: 0n, seqMax: 0 };
      this.#running.set(collection, running);
    }
    if (before !== null && before.value !== null) {
      running.count -= 1;
      running.sum -= recordSum(this.#sha256, before);
    }
    if (after === null) return;
    if (after.value !== null) {
      running.count += 1;
      running.sum += recordSum(this.#sha256, after);
    }
    if (after.mark === generation) running.seqMax = Math.max(running.seqMax, after.seq);
  }

  /** A new generation: nothing is held under it yet. */
  beginGeneration(): void {
    for (const running of this.#running.values()) running.seqMax = 0;
  }

  /** Everything held under the present generation that is above a snapshot's head, by collection. */
  collectionsAbove(digest: WireDigest): ReadonlySet<string> {
    return new Set(
      Object.keys(digest.collections).filter((name) => this.#of(name).seqMax > digest.at),
    );
  }

  /**
   * The collections that differ from the server's digest, of those that can be compared: of which
   * nothing is held above its snapshot. Null if none can. Spec: CLIENT-24.
   */
  compare(digest: WireDigest): readonly string[] | null {
    const above = this.collectionsAbove(digest);
    const compared = Object.entries(digest.collections).filter(([name]) => !above.has(name));
    if (compared.length === 0) return null;
    return compared.flatMap(([name, { count, sum }]) => {
      const held = this.#of(name);
      return held.count === count && held.sum === sum ? [] : [name];
    });
  }

  toMeta(): StoreMeta["digests"] {
    return Object.fromEntries([...this.#running.keys()].map((name) => [name, this.#of(name)]));
  }

  #of(collection: string): HeldDigest {
    const running = this.#running.get(collection);
    if (running === undefined) return NOTHING_HELD;
    const { count, sum, seqMax } = running;
    return { count, sum: formatSum(BigInt.asUintN(64, sum)), seqMax };
  }
}
