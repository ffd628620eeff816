import type { Runtime } from "@synchro/core";
import { StoreClosedError } from "../store-closed-error.ts";
import type { StoreOptions } from "../store.ts";
import type { Writer, WriteRequest, WriteResult } from "./write-request.ts";

/** Requests that share a commit at most. */
const GROUP_REQUESTS_MAX = 256;
/** Units of text past which a group ends: what one transaction and one message between threads may hold. */
const GROUP_UNITS_MAX = 8 * 1024 * 1024;
/** What a change counts besides its value. */
const CHANGE_UNITS = 256;

type Waiting = {
  readonly request: WriteRequest;
  readonly units: number;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: Error) => void;
};

const unitsOf = (request: WriteRequest): number => {
  if (request.kind !== "push") return 0;
  let units = 0;
  for (const change of request.push.changes) {
    units += CHANGE_UNITS + (change.kind === "write" ? (change.value?.length ?? 0) : 0);
  }
  return units;
};

type OnCommit = NonNullable<StoreOptions["onCommit"]>;

/** What the pushes among a group's results came to. */
const commitOf = (results: readonly WriteResult[]): Parameters<OnCommit>[0] => {
  let pushes = 0;
  let records = 0;
  for (const result of results) {
    if (result.kind !== "pushed" || result.outcome.kind !== "committed") continue;
    pushes += 1;
    records += result.outcome.changed;
  }
  return { pushes, records };
};

/**
 * Group commit: a sync costs the same for one request as for a hundred, so what waits while a group
 * is being committed goes together in the next. Order is kept.
 */
export class CommitQueue {
  readonly #writer: Writer;
  readonly #soon: Runtime["soon"];
  readonly #onFatal: (error: Error) => void;
  readonly #onCommit: OnCommit | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closedBy: StoreClosedError | null = null;
  #groups = 0;
  /** Stays true once the writer is beyond use: what it has written is then not known. */
  #isCommitting = false;

  /** `onFatal` is called once, if the writer is beyond use. From then on every request is refused. */
  constructor(
    writer: Writer,
    soon: Runtime["soon"],
    onFatal: (error: Error) => void,
    onCommit?: OnCommit,
  ) {
    this.#writer = writer;
    this.#soon = soon;
    this.#onFatal = onFatal;
    this.#onCommit = onCommit;
  }

  /** Resolves once what became of the request is known and, if it was applied, durable. */
  submit(request: WriteRequest): Promise<WriteResult> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, units: unitsOf(request), resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses what comes from now on, and waits for what has come. */
  async close(): Promise<void> {
    this.#closedBy ??= new StoreClosedError();
    await this.#running;
  }

  /**
   * How many groups have been given to the writer, if it has answered them all; null while it is at
   * work. For as long as the number is the same, nothing was written.
   */
  get settledGroups(): number | null {
    return this.#isCommitting ? null : this.#groups;
  }

  /** The writer is gone: nobody who waits can be told that a change is safe. */
  fail(cause: unknown): void {
    this.#refuse([], cause);
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Everything that is ready now gets to come in first.
      await new Promise<void>((resolve) => {
        this.#soon(resolve);
      });
      const group = this.#takeGroup();
      let results: readonly WriteResult[];
      this.#groups += 1;
      this.#isCommitting = true;
      try {
        results = await this.#writer.commit(group.map(({ request }) => request));
      } catch (error) {
        this.#refuse(group, error);
        break;
      }
      this.#isCommitting = false;
      for (const [index, { resolve, reject }] of group.entries()) {
        const result = results[index];
        if (result === undefined) reject(new Error("the writer left a request unanswered"));
        else resolve(result);
      }
      this.#tellCommit(results);
    }
    this.#running = null;
  }

  #tellCommit(results: readonly WriteResult[]): void {
    if (this.#onCommit === undefined) return;
    const commit = commitOf(results);
    if (commit.pushes > 0) this.#onCommit(commit);
  }

  #takeGroup(): readonly Waiting[] {
    let units = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      units += waiting.units;
      if (count > 0 && (count >= GROUP_REQUESTS_MAX || units > GROUP_UNITS_MAX)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  #refuse(group: readonly Waiting[], cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const refusal = new StoreClosedError({ cause: error });
    const isFirst = this.#closedBy === null || this.#closedBy.cause === undefined;
    if (isFirst) this.#closedBy = refusal;
    for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(refusal);
    if (isFirst) this.#onFatal(error);
  }
}
