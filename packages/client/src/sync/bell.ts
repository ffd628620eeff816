import type { ClientRuntime } from "../runtime/client-runtime.ts";

/** Wakes whoever waits for it, and remembers a ring that nobody was waiting for: none is lost. */
export class Bell {
  readonly #runtime: Pick<ClientRuntime, "after">;
  #isRung = false;
  #wake: (() => void) | null = null;

  constructor(runtime: Pick<ClientRuntime, "after">) {
    this.#runtime = runtime;
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Forgets a ring that came before. */
  reset(): void {
    this.#isRung = false;
  }

  /** Resolves at the next ring, at once if it has rung since the last wait, or after `longestMs` (null: never by time). One waits at a time. */
  wait(longestMs: number | null): Promise<void> {
    if (this.#isRung) {
      this.#isRung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const end = (): void => {
        cancel();
        this.#wake = null;
        this.#isRung = false;
        resolve();
      };
      if (longestMs !== null) cancel = this.#runtime.after(longestMs, end);
      this.#wake = end;
    });
  }
}
