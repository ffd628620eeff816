/** Stops the calls; calling it twice does nothing. */
export type Unsubscribe = () => void;

/** A value that changes, for whoever shows it. */
export interface Observable<Value> {
  /** What it is now. */
  get(): Value;
  /** Calls `listener` with the value as it is, and at each change. One that throws disturbs no other. */
  subscribe(listener: (value: Value) => void): Unsubscribe;
}

/** The side of an observable that sets it. */
export class Cell<Value> implements Observable<Value> {
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<(value: Value) => void>();
  #value: Value;

  constructor(value: Value, onError: (error: unknown) => void) {
    this.#value = value;
    this.#onError = onError;
  }

  get(): Value {
    return this.#value;
  }

  set(value: Value): void {
    this.#value = value;
    for (const listener of this.#listeners) this.#call(listener);
  }

  subscribe(listener: (value: Value) => void): Unsubscribe {
    // A function of its own: the same listener may subscribe twice.
    const own = (value: Value): void => listener(value);
    this.#listeners.add(own);
    this.#call(own);
    return () => void this.#listeners.delete(own);
  }

  #call(listener: (value: Value) => void): void {
    try {
      listener(this.#value);
    } catch (error) {
      this.#onError(error);
    }
  }
}
