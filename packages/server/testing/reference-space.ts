import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

// What docs/spec says that a space answers, in a map and plain scans, written from the rules alone:
// it shares no code with the server, so that the two can't be wrong in the same way.

export type Value = { readonly [member: string]: unknown };

/** A stamp in one form, of 27 characters: the order of texts is the order of time. */
export type Instant = string;

/** A stamp of the wire in that form. DATA-5. */
export const instantOf = (text: string): Instant =>
  `${text.slice(0, 19)}.${text.slice(20, -1).padEnd(6, "0")}Z`;

/** A change that breaks no rule of its own. */
export type ReferenceChange = {
  readonly collection: string;
  readonly key: string;
  readonly stamp: Instant;
  readonly base: number | null;
  readonly author: string | null;
  /** Null deletes. */
  readonly value: Value | null;
};

/** What a change is before any record is looked at. */
export type ReferenceReading =
  | { readonly kind: "change"; readonly change: ReferenceChange }
  | { readonly kind: "refused"; readonly code: string; readonly text: string };

export type ReferenceRecord = ReferenceChange & {
  readonly seq: number;
  readonly committedAt: Instant;
};

export type ReferenceEvidence = {
  readonly reason: "superseded" | "overwritten";
  readonly version: ReferenceChange;
  readonly clientId: string | null;
};

export type ReferenceRejection = {
  readonly code: string;
  readonly text: string;
  readonly clientId: string | null;
};

export type ReferenceResult =
  | { readonly seq: number }
  | { readonly superseded: number }
  | { readonly code: string; readonly stored?: Instant | null };

/** A cursor or an ack, as the server must understand it. `seen` is the head up to which it has read. */
export type Position = {
  readonly epoch: number;
  readonly seq: number;
  readonly seen: number;
  readonly start: number | null;
  readonly set: string;
};

export type Names = readonly string[] | null;

export type ReferencePull = {
  readonly cursor: Position | "invalid" | null;
  readonly ack: Pick<Position, "epoch" | "seen"> | "invalid" | null;
  readonly set: Names;
  readonly tombstones: boolean;
  readonly limit: number;
  /** Seqs that the results of the same answer tell. */
  readonly told: ReadonlySet<number>;
};

export type ReferencePage = {
  readonly reset: "offer" | "drop" | null;
  readonly records: readonly ReferenceRecord[];
  readonly more: boolean;
  readonly position: Position | null;
};

type State = {
  exists: boolean;
  head: number;
  floor: number;
  cutoff: Instant | null;
  epochs: { readonly epoch: number; readonly fromSeq: number }[];
  records: Map<string, ReferenceRecord>;
  /** The oldest first, as all that is kept. */
  evidence: ReferenceEvidence[];
  rejections: ReferenceRejection[];
  history: ReferenceRecord[];
};

export type ReferenceLimits = {
  readonly evidencePerRecordMax: number;
  readonly rejectionsPerSpaceMax: number;
  /** Stamps past both of these are ahead: the greatest by the clock, and by what is stored. */
  readonly isAhead: (stamp: Instant, stored: Instant | null) => boolean;
};

const idOf = ({ collection, key }: { readonly collection: string; readonly key: string }): string =>
  `${collection} ${key}`;

const setName = (set: Names): string => (set === null ? "*" : [...new Set(set)].toSorted().join());

const isIn = (set: Names, collection: string): boolean => set === null || set.includes(collection);

const isSameVersion = (a: ReferenceChange, b: ReferenceChange): boolean =>
  idOf(a) === idOf(b) && a.stamp === b.stamp && JSON.stringify(a.value) === JSON.stringify(b.value);

export class ReferenceSpace {
  /** What the next epoch that is listed is called; another one at each opening. */
  opening = 0;
  readonly declared: readonly string[];
  readonly keepsHistory: (collection: string) => boolean;
  #state: State = {
    exists: false,
    head: 0,
    floor: 0,
    cutoff: null,
    epochs: [],
    records: new Map(),
    evidence: [],
    rejections: [],
    history: [],
  };

  constructor(declared: readonly string[], keepsHistory: (collection: string) => boolean) {
    this.declared = declared;
    this.keepsHistory = keepsHistory;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  image(): object {
    return structuredClone(this.#state);
  }

  /** Puts an image back, as a backup that is restored. */
  restore(image: object): void {
    this.#state = structuredClone(image) as State;
  }

  stored(of: { readonly collection: string; readonly key: string }): ReferenceRecord | null {
    return this.#state.records.get(idOf(of)) ?? null;
  }

  live(set: Names): readonly ReferenceRecord[] {
    return [...this.#state.records.values()]
      .filter(({ value, collection }) => value !== null && isIn(set, collection))
      .toSorted((a, b) => a.seq - b.seq);
  }

  /** DIGEST-1, DIGEST-2, DIGEST-4. */
  digests(set: Names): { readonly [collection: string]: object } {
    const names = this.declared.filter((name) => isIn(set, name));
    return Object.fromEntries(names.map((name) => [name, this.#digest(name)]));
  }

  #digest(collection: string): { readonly count: number; readonly sum: string } {
    const live = this.live([collection]);
    let sum = 0n;
    for (const { key, seq } of live) {
      const bytes = createHash("sha256").update(`${collection}\0${key}\0${seq}`).digest();
      sum = (sum + bytes.readBigUInt64BE()) % 2n ** 64n;
    }
    return { count: live.length, sum: sum.toString(16).padStart(16, "0") };
  }

  ack(): Pick<Position, "epoch" | "seen"> | null {
    const epoch = this.#state.epochs.at(-1)?.epoch;
    return epoch === undefined ? null : { epoch, seen: this.#state.head };
  }

  /** Judges and applies the changes of one request, all that are given. PUSH-*, LWW-*, EVID-*, PURGE-5, PURGE-6. */
  push(
    readings: readonly ReferenceReading[],
    by: {
      readonly clientId: string | null;
      readonly now: Instant;
      readonly limits: ReferenceLimits;
    },
  ): readonly ReferenceResult[] {
    if (readings.length === 0) return [];
    const state = this.#state;
    if (!state.exists) state.epochs.push({ epoch: this.opening, fromSeq: 0 });
    state.exists = true;
    const headBefore = state.head;
    const results = readings.map((reading) => this.#judge(reading, by));
    if (state.head > headBefore && state.epochs.at(-1)?.epoch !== this.opening) {
      state.epochs.push({ epoch: this.opening, fromSeq: headBefore });
    }
    // EVID-8: counted when the push is over.
    state.rejections = state.rejections.slice(-by.limits.rejectionsPerSpaceMax);
    return results;
  }

  #judge(reading: ReferenceReading, by: Parameters<ReferenceSpace["push"]>[1]): ReferenceResult {
    const { clientId, now, limits } = by;
    if (reading.kind === "refused") {
      const { code, text } = reading;
      this.#keepRejection({ code, text, clientId });
      return { code };
    }
    const { change } = reading;
    const stored = this.stored(change);
    const { cutoff } = this.#state;
    if (stored === null && cutoff !== null && change.stamp <= cutoff) {
      if (change.value === null) return { seq: 0 };
      this.#keepRejection({ code: "stale", text: JSON.stringify(change), clientId });
      return { code: "stale" };
    }
    if (limits.isAhead(change.stamp, stored?.stamp ?? null)) {
      return { code: "stamp_ahead", stored: stored?.stamp ?? null };
    }
    if (stored !== null && change.stamp <= stored.stamp) {
      const isSame = change.stamp === stored.stamp && isDeepStrictEqual(change.value, stored.value);
      if (isSame) return { seq: stored.seq };
      this.#keepEvidence({ reason: "superseded", version: change, clientId }, limits);
      return { superseded: stored.seq };
    }
    if (stored !== null && stored.value !== null && change.base !== stored.seq) {
      this.#keepEvidence({ reason: "overwritten", version: stored, clientId }, limits);
    }
    this.#state.head += 1;
    const record = { ...change, seq: this.#state.head, committedAt: now };
    this.#state.records.set(idOf(record), record);
    if (this.keepsHistory(record.collection)) this.#state.history.push(record);
    return { seq: record.seq };
  }

  #keepEvidence(kept: ReferenceEvidence, limits: ReferenceLimits): void {
    const { evidence } = this.#state;
    if (evidence.some(({ version }) => isSameVersion(version, kept.version))) return;
    evidence.push(kept);
    const ofRecord = evidence.filter(({ version }) => idOf(version) === idOf(kept.version));
    const [oldest] = ofRecord;
    if (ofRecord.length > limits.evidencePerRecordMax && oldest !== undefined) {
      evidence.splice(evidence.indexOf(oldest), 1);
    }
  }

  #keepRejection(kept: ReferenceRejection): void {
    const { rejections } = this.#state;
    if (!rejections.some((each) => isDeepStrictEqual(each, kept))) rejections.push(kept);
  }

  /** PURGE-2 to PURGE-4: how many tombstones went. */
  purge(cutoff: Instant): number {
    const state = this.#state;
    const gone = [...state.records.values()].filter(
      ({ value, stamp, committedAt }) => value === null && stamp < cutoff && committedAt < cutoff,
    );
    for (const record of gone) {
      state.records.delete(idOf(record));
      state.floor = Math.max(state.floor, record.seq);
      for (const time of [record.stamp, record.committedAt]) {
        if (state.cutoff === null || state.cutoff < time) state.cutoff = time;
      }
    }
    return gone.length;
  }

  /** EPOCH-3. */
  #isValid({ epoch, seen }: Pick<Position, "epoch" | "seen">): boolean {
    const { epochs, head } = this.#state;
    const index = epochs.findIndex((entry) => entry.epoch === epoch);
    return index !== -1 && seen <= (epochs[index + 1]?.fromSeq ?? head);
  }

  #resetOf({ cursor, ack, set }: ReferencePull): ReferencePage["reset"] {
    for (const position of [cursor, ack]) {
      if (position === null) continue;
      if (position === "invalid" || !this.#isValid(position)) return "offer";
    }
    if (cursor === null || cursor === "invalid") return null;
    if (cursor.set !== setName(set)) return "drop";
    return Math.max(cursor.seq, cursor.start ?? 0) < this.#state.floor ? "drop" : null;
  }

  /** PULL-*, RESET-*, EPOCH-2, EPOCH-3. */
  pull(request: ReferencePull): ReferencePage {
    const { head, epochs, records } = this.#state;
    const reset = this.#resetOf(request);
    const cursor = reset === null && request.cursor !== "invalid" ? request.cursor : null;
    const after = cursor?.seq ?? 0;
    const start = cursor === null ? head : cursor.start;
    const sendsAll = request.tombstones || reset === "offer";
    const rows = [...records.values()]
      .filter(({ seq, collection }) => seq > after && isIn(request.set, collection))
      .filter(({ seq, value }) => value !== null || sendsAll || seq > (start ?? 0))
      .toSorted((a, b) => a.seq - b.seq);
    const news = rows.filter(({ seq }) => !request.told.has(seq));
    const page = news.slice(0, request.limit);
    const [next] = news.slice(request.limit);
    const epoch = epochs.at(-1)?.epoch;
    if (epoch === undefined) return { reset, records: [], more: false, position: null };
    const set = setName(request.set);
    if (next === undefined) {
      return {
        reset,
        records: page,
        more: false,
        position: { epoch, seq: head, seen: head, start: null, set },
      };
    }
    const seq = Math.max(0, ...rows.filter((row) => row.seq < next.seq).map((row) => row.seq));
    return { reset, records: page, more: true, position: { epoch, seq, seen: head, start, set } };
  }
}
