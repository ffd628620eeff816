/** Who reads when it is its turn. */
export type InTurn = { readonly resume: () => void };

/**
 * Subscriptions of one connection that are to catch up, one at a time: so that a connection that
 * follows a hundred spaces holds one page, not a hundred. Who has caught up needs no turn.
 */
export class LiveTurns {
  readonly #owner: { readonly mayRead: boolean };
  /** None where nobody waits: thousands of connections have caught up. */
  #waiting: Set<InTurn> | null = null;
  #current: InTurn | null = null;

  constructor(owner: { readonly mayRead: boolean }) {
    this.#owner = owner;
  }

  /** Gives one a turn, after those that wait; its last one has ended. */
  add(one: InTurn): void {
    if (this.#current === one) this.#current = null;
    this.#waiting ??= new Set();
    this.#waiting.add(one);
    this.next();
  }

  /** The turn of one has ended, if it had one. */
  end(one: InTurn): void {
    this.#waiting?.delete(one);
    if (this.#current !== one) return;
    this.#current = null;
    this.next();
  }

  /** Lets the next begin, where it may. */
  next(): void {
    if (this.#waiting === null || this.#current !== null || !this.#owner.mayRead) return;
    const [one] = this.#waiting;
    if (one !== undefined) this.#waiting.delete(one);
    if (this.#waiting.size === 0) this.#waiting = null;
    if (one === undefined) return;
    this.#current = one;
    one.resume();
  }
}
