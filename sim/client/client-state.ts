import type { Seq, Stamp } from "@synchro/core";
import type { StoreImage } from "./store-image.ts";

/** A version as the server gave or confirmed it. */
export type HeldRecord = {
  readonly collection: string;
  readonly key: string;
  readonly seq: Seq;
  readonly stamp: Stamp;
  /** JSON text; null is a tombstone. */
  readonly value: string | null;
  readonly author: string | null;
  /** The generation in which it arrived or was confirmed. */
  readonly mark: number;
};

/** The version that an edit replaced: one that the server gave, or one that still waits in the outbox. */
export type Replaced =
  | null
  | { readonly kind: "version"; readonly seq: Seq; readonly stamp: Stamp; readonly mark: number }
  | { readonly kind: "entry"; readonly id: number };

export type OutboxEntry = {
  readonly id: number;
  readonly kind: "edit" | "offer";
  readonly collection: string;
  readonly key: string;
  readonly value: string | null;
  readonly author: string | null;
  /** What the machine's clock showed when the edit was made, uncorrected. */
  readonly editedAt: Stamp;
  /** Null until the first send; frozen from then on (CLIENT-27). */
  readonly stamp: Stamp | null;
  /** The stamp before the server's clock made it give way (CLIENT-28); null if it never did. For the oracle alone. */
  readonly restampedFrom: Stamp | null;
  readonly replaces: Replaced;
};

/** A push that has been given to the network, perhaps: until it is answered the same bytes are sent again (CLIENT-2). */
export type Batch = {
  readonly body: string;
  readonly entryIds: readonly number[];
  readonly generation: number;
  /** Whether it asks for the first page of a run from the beginning. */
  readonly beginsRun: boolean;
};

/** What became of an outbox entry. */
export type Fate =
  | { readonly kind: "applied"; readonly seq: Seq }
  | { readonly kind: "superseded"; readonly seq: Seq }
  /** Became part of a version that others had a hand in. */
  | { readonly kind: "merged" }
  /** In the dead letters, for good. */
  | { readonly kind: "rejected"; readonly code: string }
  /** An offer of what others may have deleted (CLIENT-23). */
  | { readonly kind: "stale_offer" }
  /** Edited again before it was ever sent. */
  | { readonly kind: "replaced" };

export type Settled = { readonly entry: OutboxEntry; readonly fate: Fate };

/** All that a device keeps of one space. Never altered: a transaction puts another in its place. */
export type ClientState = {
  readonly clientId: string;
  readonly space: string;
  /** Names, or null for all that are declared. */
  readonly collections: readonly string[] | null;
  readonly generation: number;
  readonly cursor: string | null;
  readonly ack: string | null;
  /** The run from the beginning that is under way, or is to begin; `offer` asks for tombstones and offers what the server lacks. */
  readonly run: "beginning" | "offer" | null;
  /** By collection and key. */
  readonly held: ReadonlyMap<string, HeldRecord>;
  readonly outbox: readonly OutboxEntry[];
  readonly batch: Batch | null;
  /** Changes in a request; halved at each 413. */
  readonly batchMax: number;
  readonly deadLetters: readonly Settled[];
  readonly staleOffers: number;
  readonly nextId: number;
  /** Corrected clock = the machine's + this; null while never measured. */
  readonly clockOffsetMs: number | null;
  /** True from a digest that differed to the next that agreed (CLIENT-25). */
  readonly isSuspect: boolean;
  /** Digests that differed although a run from the beginning had just been made for one. */
  readonly divergences: number;
  /** The cursor at which a digest was last compared and agreed. For the oracle alone. */
  readonly comparedAt: string | null;
  /** Which of the two programs runs on this device: each reads its own data alone. */
  readonly program: "real" | "naive";
  /** The whole of it, where the real client keeps it: then the members above are what the oracle reads of it. */
  readonly image: StoreImage | null;
  /** What became of every entry that left the outbox. A real client would not keep it; here it is what the oracle reads. */
  readonly settled: readonly Settled[];
};

const BATCH_MAX = 16;

export const newClientState = (
  parts: Pick<ClientState, "clientId" | "space" | "collections" | "program">,
): ClientState => ({
  ...parts,
  generation: 0,
  cursor: null,
  ack: null,
  run: null,
  held: new Map(),
  outbox: [],
  batch: null,
  batchMax: BATCH_MAX,
  deadLetters: [],
  staleOffers: 0,
  nextId: 1,
  clockOffsetMs: null,
  isSuspect: false,
  divergences: 0,
  comparedAt: null,
  image: null,
  settled: [],
});

export const heldId = (collection: string, key: string): string => `${collection}\u0000${key}`;

/** The seq by which arrivals are judged: one under an older mark counts as 0 (CLIENT-19). */
export const heldSeq = (state: ClientState, collection: string, key: string): Seq => {
  const held = state.held.get(heldId(collection, key));
  return held !== undefined && held.mark === state.generation ? held.seq : 0;
};
