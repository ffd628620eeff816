import {
  type ChangeWish,
  instantAt,
  isToday,
  msOf,
  type PositionWish,
  sets,
  type StampWish,
  START_MS,
  type SyncWish,
  wire,
} from "./model-steps.ts";
import type {
  Instant,
  Names,
  Position,
  ReferenceChange,
  ReferenceReading,
  ReferenceRecord,
  ReferenceSpace,
} from "./reference-space.ts";

export const DEFAULT_LIMIT = 4;

/** A change as it is sent, and what it is before any record is looked at. */
type Sent = { readonly json: string; readonly reading: ReferenceReading };

/** A request, with what it means. */
export type ModelRequest = {
  readonly body: string;
  readonly sent: readonly Sent[];
  readonly clientId: string;
  readonly set: Names;
  readonly cursor: string | null;
  readonly ack: string | null;
  readonly limit: number;
  readonly pulls: boolean;
  readonly tombstones: boolean;
};

/** What a wish depends on when it becomes a request. */
export type RequestGround = {
  readonly reference: ReferenceSpace;
  readonly clockMs: number;
  /** Every cursor and ack that was ever given, and what it means. */
  readonly cursors: ReadonlyMap<string, Position>;
  readonly acks: ReadonlyMap<string, Pick<Position, "epoch" | "seen">>;
};

const stampOf = (
  { clockMs }: RequestGround,
  wish: StampWish,
  stored: ReferenceRecord | null,
): Instant => {
  switch (wish.at) {
    case "past":
      return wish.instant;
    case "start":
      return instantAt(START_MS + wish.offsetMs);
    case "clock":
      return instantAt(clockMs + wish.offsetMs);
    case "stored": {
      const isNear = stored !== null && isToday(stored.stamp);
      return instantAt((isNear ? msOf(stored.stamp) : clockMs) + wish.offsetMs);
    }
  }
};

const sentOf = (ground: RequestGround, wish: ChangeWish, set: Names): Sent => {
  const isOutside = (collection: string): boolean => set !== null && !set.includes(collection);
  if (wish.kind === "refused") {
    const isNotAsked = wish.collection !== null && isOutside(wish.collection);
    const code = isNotAsked && wish.code !== "data_rule" ? "not_subscribed" : wish.code;
    return { json: wish.json, reading: { kind: "refused", code, text: wish.json } };
  }
  const { collection, key, value, author } = wish;
  const stored = ground.reference.stored({ collection, key });
  const stamp = stampOf(ground, wish.stamp, stored);
  const base = { stored: stored?.seq ?? null, wrong: 1_000_000, null: null }[wish.base ?? "null"];
  const change: ReferenceChange = { collection, key, stamp, base, author, value };
  const json = JSON.stringify({
    collection,
    key,
    updated_at: wire(stamp),
    ...(base === null ? {} : { base }),
    ...(author === null ? {} : { author }),
    ...(value === null ? { deleted: true } : { value }),
  });
  return isOutside(collection)
    ? { json, reading: { kind: "refused", code: "not_subscribed", text: json } }
    : { json, reading: { kind: "change", change } };
};

const positionOf = (
  wish: PositionWish,
  own: string | null,
  given: Iterable<string>,
): string | null => {
  if (wish === "own") return own;
  if (wish === "null") return null;
  if (wish === "invalid") return "from-another-life";
  const texts = [...given];
  return texts[wish.earlier % texts.length] ?? null;
};

/** The request that a wish comes to, at this moment and from this client. */
export const createRequest = (
  ground: RequestGround,
  wish: SyncWish,
  client: {
    readonly id: string;
    readonly set: Names;
    readonly cursor: string | null;
    readonly ack: string | null;
    readonly isOfferRun: boolean;
  },
): ModelRequest => {
  const set = wish.set === null ? client.set : (sets[wish.set] ?? null);
  const sent = wish.changes.map((change) => sentOf(ground, change, set));
  const cursor = positionOf(wish.cursor, client.cursor, ground.cursors.keys());
  const ack = positionOf(wish.ack, client.ack, ground.acks.keys());
  const tombstones = wish.tombstones || client.isOfferRun;
  const head = JSON.stringify({
    client_id: client.id,
    cursor,
    ack,
    tombstones,
    pull: wish.pulls,
    ...(set === null ? {} : { collections: set }),
    ...(wish.limit === null ? {} : { limit: wish.limit }),
  }).slice(0, -1);
  return {
    body: `${head},"changes":[${sent.map(({ json }) => json).join()}]}`,
    sent,
    clientId: client.id,
    set,
    cursor,
    ack,
    limit: wish.limit ?? DEFAULT_LIMIT,
    pulls: wish.pulls,
    tombstones,
  };
};
