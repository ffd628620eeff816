import type { CollectionName } from "../src/collection-name.ts";
import type { Epoch } from "../src/epoch.ts";
import type { JsonObject } from "../src/json.ts";
import { lastWrite } from "../src/merge/last-write.ts";
import type { PushPlanInput } from "../src/push/plan-push.ts";
import type { AssignChange, WriteChange } from "../src/push/push-change.ts";
import type { StoredRecord } from "../src/record.ts";
import { newSpaceState, type SpaceState } from "../src/space-state.ts";
import { parseStamp, type Stamp } from "../src/stamp.ts";
import { sha256 } from "./sha256.ts";

export const readings = "readings" as CollectionName;
export const batches = "batches" as CollectionName;

export const epochOf = (name: string): Epoch => name as Epoch;

/** A stamp from its wire form; throws if it is none. */
export const at = (text: string): Stamp => {
  const stamp = parseStamp(text);
  if (stamp === null) throw new Error(`no stamp: ${text}`);
  return stamp;
};

export const NOON = at("2026-11-24T12:00:00Z");

/** A stored live record; `value: null` makes it a tombstone. */
export const stored = (parts: Partial<StoredRecord> = {}): StoredRecord => ({
  collection: readings,
  key: "a",
  seq: 1,
  stamp: NOON,
  value: '{"n":1}',
  fieldState: null,
  author: null,
  ...parts,
});

export const write = (parts: Partial<WriteChange> = {}): WriteChange => ({
  kind: "write",
  collection: readings,
  key: "a",
  stamp: NOON,
  base: null,
  author: null,
  value: '{"n":2}',
  fieldState: null,
  ...parts,
});

export const assign = (
  members: JsonObject,
  parts: Partial<Omit<AssignChange, "members">> = {},
): AssignChange => ({
  kind: "assign",
  collection: readings,
  key: "a",
  stamp: NOON,
  author: null,
  members,
  ...parts,
});

export const spaceState = (parts: Partial<SpaceState> = {}): SpaceState => ({
  ...newSpaceState(epochOf("e1")),
  ...parts,
});

/** What {@link pushInput} is made of: the records that are stored, and whatever differs from a quiet `/v2` push at noon. */
export type SamplePush = Partial<Omit<PushPlanInput, "stored">> & {
  readonly records?: readonly StoredRecord[];
};

export const pushInput = ({ records = [], ...parts }: SamplePush): PushPlanInput => ({
  state: spaceState({ head: Math.max(0, ...records.map((record) => record.seq)) }),
  epoch: epochOf("e1"),
  changes: [],
  policyOf: () => lastWrite,
  now: NOON,
  checksClocks: true,
  lostBytesMax: Number.POSITIVE_INFINITY,
  rejectedBytesMax: Number.POSITIVE_INFINITY,
  bytesOf: (record) => (record.value ?? "").length,
  sha256,
  ...parts,
  stored: (collection, key) =>
    records.find((record) => record.collection === collection && record.key === key) ?? null,
});
