import {
  type CollectionName,
  type Digest,
  digestOf,
  type Epoch,
  laterStamp,
  lifeOfSpace,
  listEpoch,
  newSpaceState,
  type PushPlan,
  recordId,
  replaceInDigest,
  type Runtime,
  type SpaceState,
  type Stamp,
  STAMP_MIN,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { cutoffOfErasure } from "../cutoff-of-erasure.ts";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import type { KeptEvidence, StorePush } from "../store.ts";
import type { MemoryRecord, SpaceImage } from "./memory-disk.ts";

export const emptyImage = (epoch: Epoch): SpaceImage => ({
  state: newSpaceState(epoch),
  records: new Map(),
  evidence: [],
  rejections: [],
  history: [],
});

const isSameVersion = (a: KeptEvidence, b: KeptEvidence): boolean =>
  a.collection === b.collection && a.key === b.key && a.stamp === b.stamp && a.value === b.value;

type MemoryRejection = SpaceImage["rejections"][number];

const isSameRejection = (a: MemoryRejection, b: MemoryRejection): boolean =>
  a.clientId === b.clientId &&
  a.body === b.body &&
  a.bodyHash === b.bodyHash &&
  a.rejection.code === b.rejection.code;

const keepEvidence = (
  evidence: readonly KeptEvidence[],
  added: KeptEvidence,
  limits: Limits,
): readonly KeptEvidence[] => {
  if (evidence.some((kept) => isSameVersion(kept, added))) return evidence;
  const kept = [...evidence, added];
  const ofRecord = kept.filter(
    ({ collection, key }) => collection === added.collection && key === added.key,
  );
  const dropped = new Set(ofRecord.slice(0, -limits.evidencePerRecordMax));
  return kept.filter((entry) => !dropped.has(entry));
};

const keepRejection = (
  rejections: SpaceImage["rejections"],
  added: MemoryRejection,
): SpaceImage["rejections"] =>
  rejections.some((kept) => isSameRejection(kept, added)) ? rejections : [...rejections, added];

/** The space after a push: everything that its plan says, or, if the caller drops it, nothing. */
export const applyPush = (
  image: SpaceImage,
  plan: PushPlan,
  request: StorePush,
  context: {
    readonly limits: Limits;
    readonly keepsHistory: (collection: CollectionName) => boolean;
  },
): SpaceImage => {
  const { limits, keepsHistory } = context;
  const { clientId, now } = request;
  const records = new Map(image.records);
  for (const { after } of plan.writes) {
    records.set(recordId(after.collection, after.key), { record: after, committedAt: now });
  }
  const cutoff = evidenceCutoff(now, limits);
  let evidence = image.evidence.filter((kept) => kept.keptAt >= cutoff);
  for (const added of plan.evidence) {
    evidence = [...keepEvidence(evidence, { ...added, clientId, keptAt: now }, limits)];
  }
  let { rejections } = image;
  for (const refused of plan.refused) {
    rejections = keepRejection(rejections, { ...refused, clientId, keptAt: now });
  }
  const history = [
    ...image.history,
    ...plan.writes.map(({ after }) => after).filter((record) => keepsHistory(record.collection)),
  ];
  return {
    state: plan.state,
    records,
    evidence,
    // Counted when the push is over: one that is kept already is not kept anew because others come.
    rejections: rejections.slice(-limits.rejectionsPerSpaceMax),
    history,
  };
};

/**
 * The space after an opening that declares other collections than the last one: it lists the
 * opening's epoch, and every record of `collections`, tombstones included, has a new seq, in the
 * order of the old ones.
 */
export const declareIn = (
  image: SpaceImage,
  collections: ReadonlySet<CollectionName>,
  at: { readonly epoch: Epoch; readonly now: Stamp; readonly sha256: Runtime["sha256"] },
): SpaceImage => {
  const moved = [...image.records.values()]
    .filter(({ record }) => collections.has(record.collection))
    .toSorted((a, b) => a.record.seq - b.record.seq);
  const records = new Map(image.records);
  const digests = new Map<CollectionName, Digest>(image.state.digests);
  let { head } = image.state;
  for (const { record } of moved) {
    head += 1;
    const after = { ...record, seq: head };
    records.set(recordId(record.collection, record.key), { record: after, committedAt: at.now });
    const digest = digests.get(record.collection) ?? digestOf(image.state, record.collection);
    digests.set(record.collection, replaceInDigest(at.sha256, digest, record, after));
  }
  const epochs = listEpoch(image.state.epochs, at.epoch, image.state.head);
  return { ...image, records, state: { ...image.state, head, epochs, digests } };
};

/** Takes the tombstones of declared collections that are older than `cutoff` by both their times. */
export const purgeTombstones = (
  image: SpaceImage,
  cutoff: Stamp,
  isDeclared: (collection: CollectionName) => boolean,
): { readonly image: SpaceImage; readonly purged: number } => {
  const isPurged = ({ record, committedAt }: MemoryRecord): boolean =>
    record.value === null &&
    isDeclared(record.collection) &&
    committedAt < cutoff &&
    record.stamp < cutoff;
  const purged = [...image.records].filter(([, kept]) => isPurged(kept));
  if (purged.length === 0) return { image, purged: 0 };
  const times = purged.map(([, { record, committedAt }]) => laterStamp(record.stamp, committedAt));
  const state: SpaceState = {
    ...image.state,
    floor: Math.max(image.state.floor, ...purged.map(([, { record }]) => record.seq)),
    cutoff: [...times, image.state.cutoff ?? STAMP_MIN].reduce(laterStamp),
  };
  const records = new Map([...image.records].filter(([, kept]) => !isPurged(kept)));
  return { image: { ...image, state, records }, purged: purged.length };
};

/** When what an erasure takes was made: the newest live record's stamp, and the last tombstone's times, of each collection. */
const timesOf = (records: readonly MemoryRecord[]): readonly Stamp[] =>
  [...new Set(records.map(({ record }) => record.collection))].flatMap((collection) => {
    const own = records.filter(({ record }) => record.collection === collection);
    const last = own
      .filter(({ record }) => record.value === null)
      .toSorted((a, b) => a.record.seq - b.record.seq)
      .at(-1);
    return [
      ...own.filter(({ record }) => record.value !== null).map(({ record }) => record.stamp),
      ...(last === undefined ? [] : [last.record.stamp, last.committedAt]),
    ];
  });

/** The space once all that it holds is gone, in a life of its own; the same image if it holds nothing. */
export const eraseImage = (image: SpaceImage, drawn: Epoch, now: Stamp): SpaceImage => {
  const { state, records, evidence, rejections, history } = image;
  const kept = [records.size, evidence.length, rejections.length, history.length];
  if (kept.every((count) => count === 0)) return image;
  const head = state.head + 1;
  return {
    ...emptyImage(drawn),
    state: {
      head,
      floor: head,
      cutoff: cutoffOfErasure(state.cutoff, timesOf([...records.values()]), now),
      epochs: listEpoch(state.epochs, drawn, state.head, lifeOfSpace(state.epochs) + 1),
      digests: new Map(),
    },
  };
};
