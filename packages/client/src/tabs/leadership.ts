/**
 * Who of several tabs over the same store talks to the server. One leads at a time; when it closes,
 * crashes or stops, the next one does.
 */
export interface Leadership {
  /**
   * Waits for its turn, runs `lead`, and resolves when that has ended or `stop` was aborted first.
   * The turn ends with `lead`; it is told by its signal when it should.
   */
  run(lead: (signal: AbortSignal) => Promise<void>, stop: AbortSignal): Promise<void>;
}

/** What is used of the Web Locks of a browser. */
export type Locks = {
  request(
    name: string,
    options: { readonly mode: "exclusive"; readonly signal: AbortSignal },
    whileHeld: () => Promise<void>,
  ): Promise<unknown>;
};

/** Where a store can't be shared nobody else is there to lead. */
export const leadAlone: Leadership = {
  run: async (lead, stop) => {
    if (!stop.aborted) await lead(stop);
  },
};

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

/**
 * Leadership by a Web Lock: the browser itself hands it on when its holder is gone, however it went.
 *
 * @param name one a store: the same in all tabs
 */
export const leadByLock = (locks: Locks, name: string): Leadership => ({
  run: async (lead, stop) => {
    try {
      await locks.request(name, { mode: "exclusive", signal: stop }, () => lead(stop));
    } catch (error) {
      if (!(stop.aborted && isAbort(error))) throw error;
    }
  },
});
