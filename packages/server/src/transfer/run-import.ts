import { StartError } from "../config/start-error.ts";
import { Batch, type BatchLimits } from "./batch.ts";
import type { InputRow, RowFault } from "./input-row.ts";
import type { JudgeRow } from "./judge-row.ts";
import type { ImportTarget, OutgoingChange, SentResult } from "./outgoing-change.ts";
import { stoppedError } from "./stop-signal.ts";

export type ImportCounts = {
  readonly rows: number;
  readonly applied: number;
  /** The stored record was this change already. */
  readonly unchanged: number;
  /** Lost to a newer stored version. */
  readonly superseded: number;
  readonly rejected: number;
};

export type RejectedRow = { readonly line: number; readonly key: string | null } & RowFault;

export type ImportRun = {
  readonly rows: AsyncIterable<InputRow>;
  readonly judge: JudgeRow;
  /** Null: rows are only judged, and those that pass count as applied. */
  readonly target: ImportTarget | null;
  readonly batch: BatchLimits;
  readonly onRejected: (row: RejectedRow) => void;
  /** Told how many rows have been dealt with. */
  readonly onProgress: (rows: number) => void;
  readonly signal: AbortSignal;
};

/** How far it came; `failure`: what ended it early. Everything counted stands, and it may be run again. */
export type ImportEnd = { readonly counts: ImportCounts; readonly failure: StartError | null };

const hints: { readonly [code: string]: string } = {
  stamp_ahead: "; its clock ran ahead: mend updated_at, or import it once that time has come",
  policy_mismatch: "; --config tells the import how the server's collections merge",
  stale: "; it was deleted and purged meanwhile: a newer updated_at brings it back",
};

class Counter {
  rows = 0;
  applied = 0;
  unchanged = 0;
  superseded = 0;
  rejected = 0;
  readonly #onRejected: ImportRun["onRejected"];
  /** The greatest seq that was there before the changes being counted. */
  #head: number;

  constructor(onRejected: ImportRun["onRejected"], head: number) {
    this.#onRejected = onRejected;
    this.#head = head;
  }

  reject(row: RejectedRow): void {
    this.rows += 1;
    this.rejected += 1;
    this.#onRejected(row);
  }

  /** Counts what one request did: a seq that it did not give is of a version that was there. */
  countSent(changes: readonly OutgoingChange[], results: readonly SentResult[]): void {
    const before = this.#head;
    for (const [index, result] of results.entries()) {
      const { line = 0, key = null } = changes[index] ?? {};
      if (result.kind === "rejected") {
        const { code, message, path } = result;
        this.reject({ line, key, code, message: `${message}${hints[code] ?? ""}`, path });
        continue;
      }
      this.rows += 1;
      this.#head = Math.max(this.#head, result.seq);
      if (result.kind === "superseded") this.superseded += 1;
      else if (result.seq > before) this.applied += 1;
      else this.unchanged += 1;
    }
  }

  counts(): ImportCounts {
    const { rows, applied, unchanged, superseded, rejected } = this;
    return { rows, applied, unchanged, superseded, rejected };
  }
}

const sendBatch = async (
  { target, onProgress }: ImportRun,
  counter: Counter,
  changes: readonly OutgoingChange[],
): Promise<void> => {
  if (target === null) {
    counter.rows += changes.length;
    counter.applied += changes.length;
  } else counter.countSent(changes, await target.send(changes));
  onProgress(counter.rows);
};

/** Reads on while one batch is under way, and never more than one. */
const importRows = async (run: ImportRun, counter: Counter): Promise<void> => {
  const batch = new Batch<OutgoingChange>(run.batch);
  let underWay = Promise.resolve();
  const send = async (): Promise<void> => {
    await underWay;
    const changes = batch.take();
    if (changes.length === 0) return;
    underWay = sendBatch(run, counter, changes);
    // Whoever waits for it next is told; until then nobody listens.
    underWay.catch(() => {});
  };
  const takeRow = async (row: InputRow): Promise<void> => {
    const judged = run.judge(row);
    if (judged.kind === "fault") {
      const { line, key, fault } = judged;
      counter.reject({ line, key, ...fault });
      return;
    }
    if (batch.isClosedTo(judged.outgoing)) await send();
    if (run.signal.aborted) throw stoppedError();
    batch.add(judged.outgoing);
  };
  try {
    for await (const row of run.rows) await takeRow(row);
    await send();
  } catch (error) {
    // What came before the input broke off is as good as any; of a stop nobody waits for more.
    if (error instanceof StartError && !run.signal.aborted) await send();
    throw error;
  } finally {
    await underWay;
  }
};

/**
 * Imports rows in order, batch by batch. A row that is refused is told and blocks no other. Repeating
 * an import, or what an interrupted one has done, changes nothing: applying twice is applying once.
 */
export const runImport = async (run: ImportRun): Promise<ImportEnd> => {
  const counter = new Counter(run.onRejected, run.target?.head ?? 0);
  try {
    await importRows(run, counter);
    return { counts: counter.counts(), failure: null };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { counts: counter.counts(), failure: error };
  }
};
