/**
 * A map that can also be read in order. The order is kept lazily: new keys are sorted in at the next
 * ordered read, so that a first sync of many records pays for one sort and not for one a record.
 */
export class OrderedMap<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #compare: (a: Key, b: Key) => number;
  #sorted: Key[] = [];
  /** Deleted keys that still have their place in the order. */
  readonly #gone = new Set<Key>();
  #isSorted = true;

  constructor(compare: (a: Key, b: Key) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  /** Sets a value, or removes it (undefined). Answers what was there before. */
  put(key: Key, value: Value | undefined): Value | undefined {
    const before = this.#values.get(key);
    if (value === undefined) this.#delete(key);
    else {
      if (before === undefined && !(this.#gone.size > 0 && this.#gone.delete(key))) {
        this.#isSorted = false;
      }
      this.#values.set(key, value);
    }
    return before;
  }

  #delete(key: Key): void {
    if (!this.#values.delete(key) || !this.#isSorted) return;
    this.#gone.add(key);
    // Passing over the gone costs more than sorting anew once they are the most.
    if (this.#gone.size > this.#values.size) this.#isSorted = false;
  }

  clear(): void {
    this.#values.clear();
    this.#gone.clear();
    this.#sorted = [];
    this.#isSorted = true;
  }

  /** The values whose keys come after `after` (null: all), in order, that pass; at most `limit`. */
  valuesAfter(
    after: Key | null,
    limit: number,
    isWanted: (value: Value) => boolean = () => true,
  ): readonly Value[] {
    const keys = this.#keysInOrder();
    const found: Value[] = [];
    const start = after === null ? 0 : this.#indexAfter(keys, after);
    for (let index = start; index < keys.length && found.length < limit; index += 1) {
      const value = this.#values.get(keys[index] as Key);
      if (value !== undefined && isWanted(value)) found.push(value);
    }
    return found;
  }

  #keysInOrder(): readonly Key[] {
    if (this.#isSorted) return this.#sorted;
    const known = new Set(this.#sorted);
    // What was in order comes first: the sort finds it as one run.
    this.#sorted = [
      ...this.#sorted.filter((key) => this.#values.has(key)),
      ...[...this.#values.keys()].filter((key) => !known.has(key)),
    ].toSorted(this.#compare);
    this.#gone.clear();
    this.#isSorted = true;
    return this.#sorted;
  }

  #indexAfter(keys: readonly Key[], after: Key): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(keys[middle] as Key, after) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
