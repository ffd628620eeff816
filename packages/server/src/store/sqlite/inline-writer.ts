import type { Runtime } from "@synchro/core";
import type { Writer, WriteRequest, WriteResult } from "./write-request.ts";
import type { WriterCore } from "./writer-core.ts";

/** Writes on this thread: for a database in memory, and wherever the order of events must be one's own. */
export class InlineWriter implements Writer {
  readonly #core: WriterCore;
  readonly #soon: Runtime["soon"];
  readonly #letGo: () => void;
  #tidyFailure: { readonly error: unknown } | null = null;
  #isClosed = false;

  /** `letGo` closes the connection, if it is to be closed. */
  constructor(core: WriterCore, soon: Runtime["soon"], letGo: () => void) {
    this.#core = core;
    this.#soon = soon;
    this.#letGo = letGo;
  }

  async commit(group: readonly WriteRequest[]): Promise<readonly WriteResult[]> {
    if (this.#tidyFailure !== null) throw this.#tidyFailure.error;
    const results = this.#core.commit(group);
    this.#soon(() => this.#tidy());
    return results;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#letGo();
  }

  #tidy(): void {
    if (this.#isClosed) return;
    try {
      this.#core.tidy();
    } catch (error) {
      // Told by the next commit, before it acknowledges anything.
      this.#tidyFailure = { error };
    }
  }
}
