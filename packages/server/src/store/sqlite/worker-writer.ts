import { Worker } from "node:worker_threads";
import { packRequest, unpackResult } from "./packed-push.ts";
import type { FromWriterThread, ToWriterThread, WriterThreadData } from "./writer-thread-data.ts";
import type { Writer, WriteRequest, WriteResult } from "./write-request.ts";

/**
 * MiB of young objects that the thread's heap may hold: some batches of changes. Left to itself it
 * grows to several times as much, which makes no push faster.
 */
const YOUNG_MIB_MAX = 24;

type Waiting<Result> = {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

/** Writes in a thread of its own: see `writer-thread.ts`. */
export class WorkerWriter implements Writer {
  readonly #worker: Worker;
  readonly #onLost: (error: unknown) => void;
  readonly #ended: Promise<void>;
  #ready: Waiting<void> | null = null;
  #commit: Waiting<readonly WriteResult[]> | null = null;
  #lost: { readonly error: unknown } | null = null;
  #isClosing = false;

  /** Starts the thread; resolves once it holds the file. `onLost` is called if it ends by itself, later. */
  static async start(
    data: WriterThreadData,
    onLost: (error: unknown) => void,
  ): Promise<WorkerWriter> {
    const writer = new WorkerWriter(data, onLost);
    await new Promise<void>((resolve, reject) => {
      writer.#ready = { resolve, reject };
    });
    return writer;
  }

  private constructor(data: WriterThreadData, onLost: (error: unknown) => void) {
    // The same file, compiled or not.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#worker = new Worker(new URL(`./writer-thread.${extension}`, import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB_MAX },
    });
    this.#onLost = onLost;
    this.#worker.on("message", (message: FromWriterThread) => this.#receive(message));
    this.#worker.on("messageerror", (error) => this.#lose(error));
    this.#worker.on("error", (error) => this.#lose(error));
    this.#ended = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        if (!this.#isClosing) this.#lose(new Error(`the writer's thread ended with code ${code}`));
        resolve();
      });
    });
  }

  commit(group: readonly WriteRequest[]): Promise<readonly WriteResult[]> {
    if (this.#lost !== null) return Promise.reject(this.#lost.error);
    return new Promise((resolve, reject) => {
      this.#commit = { resolve, reject };
      this.#send({ kind: "commit", group: group.map(packRequest) });
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#lost === null) this.#send({ kind: "close" });
    await this.#ended;
  }

  #send(message: ToWriterThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWriterThread): void {
    switch (message.kind) {
      case "ready":
        this.#ready?.resolve();
        this.#ready = null;
        break;
      case "committed": {
        const commit = this.#commit;
        this.#commit = null;
        commit?.resolve(message.results.map(unpackResult));
        break;
      }
      case "beyond_use":
        this.#lose(message.error);
        break;
    }
  }

  #lose(error: unknown): void {
    if (this.#lost !== null) return;
    this.#lost = { error };
    const waiting = this.#ready ?? this.#commit;
    this.#ready = null;
    this.#commit = null;
    if (waiting === null) this.#onLost(error);
    else waiting.reject(error);
  }
}
