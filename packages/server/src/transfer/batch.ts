/** What a batch may hold; it may be smaller, and a single change may be larger than `lengthMax`. */
export type BatchLimits = {
  readonly changesMax: number;
  /** UTF-16 units of the changes' texts. */
  readonly lengthMax: number;
};

type Batchable = { readonly id: string; readonly text: string };

/** Gathers changes, in order, into batches in which no record stands twice. */
export class Batch<Change extends Batchable> {
  readonly #limits: BatchLimits;
  #changes: Change[] = [];
  #ids = new Set<string>();
  #length = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Whether a change must wait for the next batch. */
  isClosedTo(change: Change): boolean {
    if (this.#changes.length === 0) return false;
    return (
      this.#changes.length >= this.#limits.changesMax ||
      this.#length + change.text.length > this.#limits.lengthMax ||
      this.#ids.has(change.id)
    );
  }

  add(change: Change): void {
    this.#changes.push(change);
    this.#ids.add(change.id);
    this.#length += change.text.length;
  }

  /** What was gathered; an empty batch begins. */
  take(): readonly Change[] {
    const changes = this.#changes;
    this.#changes = [];
    this.#ids = new Set();
    this.#length = 0;
    return changes;
  }
}
