import {
  addMicros,
  type AssignChange,
  type CollectionName,
  type CursorPosition,
  type Digest,
  EMPTY_DIGEST,
  formatFieldState,
  type JsonObject,
  laterStamp,
  parseStamp,
  type RefusedChange,
  type RejectionCode,
  replaceInDigest,
  type Runtime,
  type Seq,
  type SpaceId,
  type Stamp,
  type StoredRecord,
  type WriteChange,
} from "@synchro/core";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { afterEach, expect } from "vitest";
import { systemRuntime } from "../system-runtime.ts";
import type {
  PullOutcome,
  PushOutcome,
  Store,
  StoredCollection,
  StoreOptions,
  StorePull,
  StorePush,
} from "./store.ts";

/** A store that is open, and the ground it stands on. */
export type OpenedStore = {
  readonly store: Store;
  /**
   * Closes the store, if it is not, and opens what it leaves behind. `brief`: for one push and
   * another reopening, so an engine may do without its threads.
   */
  reopen(options: StoreOptions, lifetime?: "brief"): Promise<OpenedStore>;
  /** Closes the store and removes its ground. Idempotent. */
  dispose(): Promise<void>;
};

/** How the contract opens an engine; every `open` is on new ground. */
export type StoreHarness = {
  open(
    options: StoreOptions,
    ground?: { /** About how many bytes of data fit. */ readonly bytesMax: number },
  ): Promise<OpenedStore>;
};

export const space = "shop-1" as SpaceId;
export const otherSpace = "shop-2" as SpaceId;
export const readings = "readings" as CollectionName;
export const batches = "batches" as CollectionName;
export const ledger = "ledger" as CollectionName;
export const articles = "articles" as CollectionName;

const plain: StoredCollection = { merge: "last-write", keepsHistory: false };

/** `ledger` declares history. */
export const declared: ReadonlyMap<CollectionName, StoredCollection> = new Map<
  CollectionName,
  StoredCollection
>([
  [readings, plain],
  [batches, plain],
  [ledger, { merge: "last-write", keepsHistory: true }],
]);

/** `articles` is merged field by field, and declares history too. */
export const declaredWithFields: ReadonlyMap<CollectionName, StoredCollection> = new Map<
  CollectionName,
  StoredCollection
>([
  ...declared,
  [
    articles,
    {
      merge: { functions: { high: "max", tags: "union" }, required: ["name"] },
      keepsHistory: true,
    },
  ],
]);

export const only = (
  ...names: readonly CollectionName[]
): ReadonlyMap<CollectionName, StoredCollection> =>
  new Map([...declaredWithFields].filter(([name]) => names.includes(name)));

export const start = parseStamp("2026-11-24T10:00:00Z") as Stamp;

/** A stamp `micros` after the moment at which the contract's clock begins. */
export const at = (micros: number): Stamp => addMicros(start, micros);

export const days = (count: number): number => count * 86_400_000_000;

/** A wall clock that a test sets; everything else of the runtime is the machine's. */
export class TestClock {
  now: Stamp = start;
  readonly runtime: Runtime = { ...systemRuntime, now: () => this.now };
}

export const write = (
  key: string,
  stamp: Stamp,
  value: JsonObject | null,
  more: Partial<Pick<WriteChange, "collection" | "base" | "author" | "fieldState">> = {},
): WriteChange => ({
  kind: "write",
  collection: readings,
  key,
  stamp,
  base: null,
  author: null,
  value: value === null ? null : JSON.stringify(value),
  fieldState: null,
  ...more,
});

/** A change to `articles`: `value` is a patch (null: a delete), each field of it at `stamp` unless `stamps` says otherwise. */
export const patch = (
  key: string,
  stamp: Stamp,
  life: number,
  value: JsonObject | null,
  {
    stamps = {},
    ...more
  }: Partial<Pick<WriteChange, "base" | "author">> & {
    readonly stamps?: { readonly [field: string]: Stamp };
  } = {},
): WriteChange => {
  const each = Object.keys(value ?? {}).map((field): [string, Stamp] => [
    field,
    stamps[field] ?? stamp,
  ]);
  const fieldState = formatFieldState({ life, stamps: new Map(each) });
  const latest = each.map(([, own]) => own).reduce(laterStamp, stamp);
  return write(key, latest, value, { collection: articles, fieldState, ...more });
};

export const assign = (key: string, stamp: Stamp, members: JsonObject): AssignChange => ({
  kind: "assign",
  collection: readings,
  key,
  stamp,
  author: null,
  members,
});

export const refused = (
  code: RejectionCode,
  body: string | null,
  message = "it breaks a rule",
): RefusedChange => ({ kind: "refused", rejection: { code, message, path: "/value" }, body });

/** A change that no planner can judge: a bug of the caller, which must hurt nobody else. */
export const impossible = (key: string): AssignChange =>
  assign(key, at(0), { n: 1n } as unknown as JsonObject);

export const nothingTold: ReadonlySet<Seq> = new Set();

export const pullRequest = (more: Partial<StorePull> = {}): StorePull => ({
  space,
  cursor: null,
  ack: null,
  collections: null,
  tombstones: false,
  recordsMax: 1_000,
  bytesMax: 4 * 1024 * 1024,
  told: nothingTold,
  ...more,
});

/** A push outcome that a test expects to be committed. */
export const committed = (
  outcome: PushOutcome,
): Extract<PushOutcome, { readonly kind: "committed" }> => {
  if (outcome.kind !== "committed") throw new Error(`the push was not committed: ${outcome.kind}`);
  return outcome;
};

export const pushTo = async (
  store: Store,
  changes: StorePush["changes"],
  more: Partial<StorePush> = {},
): Promise<Extract<PushOutcome, { readonly kind: "committed" }>> =>
  committed(
    await store.push({ space, changes, checksClocks: true, clientId: "c1", now: start, ...more }),
  );

/** Pulls from a position to the end of the run: the pages, and where the last one leaves the cursor. */
export const pullRun = async (
  store: Store,
  request: Partial<StorePull> = {},
): Promise<{
  readonly pages: readonly PullOutcome[];
  readonly records: readonly StoredRecord[];
  readonly position: CursorPosition | null;
}> => {
  const pages: PullOutcome[] = [];
  let { cursor = null } = request;
  for (;;) {
    const page = await store.pull(pullRequest({ ...request, cursor }));
    pages.push(page);
    if (!page.more) {
      const records = pages.flatMap((each) => each.records);
      return { pages, records, position: page.position };
    }
    expect(page.records.length, "a page with more to come holds a record").toBeGreaterThan(0);
    cursor = page.position;
  }
};

export const recomputeDigests = (
  records: readonly StoredRecord[],
  collections: Iterable<CollectionName> = declared.keys(),
): ReadonlyMap<CollectionName, Digest> => {
  const digests = new Map<CollectionName, Digest>();
  for (const name of collections) digests.set(name, EMPTY_DIGEST);
  for (const record of records) {
    const before = digests.get(record.collection) ?? EMPTY_DIGEST;
    const after = replaceInDigest(systemRuntime.sha256, before, null, record);
    digests.set(record.collection, after);
  }
  return digests;
};

/** Reads a space from the beginning and holds its digests against what its records come to. */
export const expectTrueDigests = async (store: Store, of: SpaceId = space): Promise<void> => {
  const { pages, records } = await pullRun(store, { space: of, tombstones: true });
  expect(pages.at(-1)?.digests).toEqual(recomputeDigests(records));
};

/** Opens stores for one suite and disposes of them after each test. */
export const createStoreOpener = (
  harness: StoreHarness,
): {
  readonly open: (more?: {
    readonly clock?: TestClock;
    readonly collections?: ReadonlyMap<CollectionName, StoredCollection>;
    readonly limits?: Partial<Limits>;
    readonly bytesMax?: number;
  }) => Promise<OpenedStore>;
  readonly optionsOf: (
    clock: TestClock,
    collections?: ReadonlyMap<CollectionName, StoredCollection>,
  ) => StoreOptions;
} => {
  const opened: OpenedStore[] = [];
  const track = (each: OpenedStore): OpenedStore => {
    opened.push(each);
    return { ...each, reopen: async (...args) => track(await each.reopen(...args)) };
  };
  afterEach(async () => {
    for (const each of opened.splice(0).toReversed()) await each.dispose();
  });
  return {
    open: async (more = {}) => {
      const { clock = new TestClock(), collections = declared, limits = {}, bytesMax } = more;
      const options = {
        runtime: clock.runtime,
        collections,
        limits: { ...defaultLimits, ...limits },
      };
      return track(await harness.open(options, bytesMax === undefined ? undefined : { bytesMax }));
    },
    optionsOf: (clock, collections = declared) => ({
      runtime: clock.runtime,
      collections,
      limits: defaultLimits,
    }),
  };
};
