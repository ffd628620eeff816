import type { WireSyncAnswer } from "@synchro/protocol";
import type { ModelRequest } from "./model-request.ts";
import { type Instant, instantOf, type Names, type Value } from "./reference-space.ts";

export type HeldRecord = {
  readonly collection: string;
  readonly key: string;
  readonly seq: number;
  readonly stamp: Instant;
  readonly value: Value;
};

const idOf = ({ collection, key }: { readonly collection: string; readonly key: string }): string =>
  `${collection} ${key}`;

/** A client that believes what it is told, in the order in which it is told. */
export class ModelClient {
  readonly id: string;
  readonly set: Names;
  cursor: string | null = null;
  ack: string | null = null;
  isOfferRun = false;
  readonly #held = new Map<string, HeldRecord>();

  constructor(id: string, set: Names) {
    this.id = id;
    this.set = set;
  }

  held(): readonly HeldRecord[] {
    return [...this.#held.values()].toSorted((a, b) => a.seq - b.seq);
  }

  /** True if the run is over: the client then holds what the space holds. */
  apply(request: ModelRequest, answer: WireSyncAnswer): boolean {
    const beginsAnew = answer.reset !== undefined || request.cursor === null;
    if (request.pulls && beginsAnew) this.#held.clear();
    if (answer.reset !== undefined) this.ack = null;
    if (answer.reset === "offer") this.isOfferRun = true;
    for (const record of answer.changes) {
      const { collection, key, seq, updated_at: stamp } = record;
      if ("deleted" in record) this.#held.delete(idOf(record));
      else this.#take({ collection, key, seq, stamp: instantOf(stamp), value: record.value });
    }
    for (const [index, result] of answer.results.entries()) {
      const reading = request.sent[index]?.reading;
      if (!("seq" in result) || reading?.kind !== "change") continue;
      const { collection, key, stamp, value } = reading.change;
      if (value === null) this.#held.delete(idOf(reading.change));
      else this.#take({ collection, key, seq: result.seq, stamp, value });
    }
    this.ack = answer.ack ?? this.ack;
    if (!request.pulls) return false;
    this.cursor = answer.cursor ?? null;
    if (answer.more === true) return false;
    this.isOfferRun = false;
    return true;
  }

  #take(record: HeldRecord): void {
    this.#held.set(idOf(record), record);
  }
}
