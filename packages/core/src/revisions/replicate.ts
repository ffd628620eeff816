import { isSameValue, type StoredRecord } from "../record.ts";
import { addMicros, laterStamp, type Stamp } from "../stamp.ts";
import {
  type DocumentVersions,
  type LeafContent,
  type VersionsContext,
  writeOver,
} from "./document.ts";
import { type History, insertHistory } from "./insert-history.ts";
import type { Revision } from "./revision.ts";
import { revisionOfWrite, type Version } from "./revision-of-write.ts";
import { leavesOf, type RevisionTree, winnerOf } from "./revision-tree.ts";
import { stemTree } from "./stem-tree.ts";

/** A version that comes with its history. */
export type Arrival = {
  readonly history: History;
  /** JSON text; null of a deletion. */
  readonly value: string | null;
  /** What it says of itself that it was written with; null: nothing. */
  readonly stamp: Stamp | null;
  readonly attachments: string | null;
};

export type ReplicationContext = VersionsContext & { readonly now: Stamp };

export type Replication = {
  readonly versions: DocumentVersions;
  /** What becomes of the record. `kept`: it is what it was, and takes a new seq if there is a new leaf. */
  readonly record:
    | {
        readonly kind: "kept";
        readonly hasNewLeaf: boolean;
        /** A version that won among the revisions, and lost against the stamp of what is stored: evidence. */
        readonly superseded?: Version;
      }
    | { readonly kind: "written"; readonly version: Version };
};

/** A stamp counts only under the name that its writer gave to value, parent and stamp: whoever edits a document carries its members along. */
const provenStamp = (
  { history, value, stamp }: Arrival,
  sha256: VersionsContext["sha256"],
): Stamp | null => {
  if (stamp === null) return null;
  const [revision, parent = null] = history.revisions;
  return revisionOfWrite(sha256, parent, { stamp, value }) === revision ? stamp : null;
};

/** Contents of live leaves, the winner's own value among them while it is being judged. */
const contentsOf = (
  { tree, leaves }: DocumentVersions,
  record: StoredRecord | null,
  sha256: VersionsContext["sha256"],
): Map<Revision, LeafContent> => {
  const contents = new Map(leaves);
  const winner = winnerOf(tree);
  if (winner === null || winner.isDeleted || record === null) return contents;
  const parent = tree.get(winner.revision)?.parent ?? null;
  const isOwn = revisionOfWrite(sha256, parent, record) === winner.revision;
  contents.set(winner.revision, {
    value: record.value,
    stamp: isOwn ? record.stamp : null,
    attachments: leaves.get(winner.revision)?.attachments ?? null,
  });
  return contents;
};

/** What has to be kept: nothing of what is no live leaf, and of the winner only what the record does not say. */
const kept = (
  tree: RevisionTree,
  contents: ReadonlyMap<Revision, LeafContent>,
): ReadonlyMap<Revision, LeafContent> => {
  const winner = winnerOf(tree)?.revision;
  const leaves = new Map<Revision, LeafContent>();
  for (const { revision, isDeleted } of leavesOf(tree)) {
    const content = contents.get(revision);
    if (isDeleted || content === undefined) continue;
    if (revision !== winner) leaves.set(revision, content);
    else if (content.attachments !== null) {
      leaves.set(revision, { value: null, stamp: null, attachments: content.attachments });
    }
  }
  return leaves;
};

const namesOfLeaves = (tree: RevisionTree): string =>
  leavesOf(tree)
    .map(({ revision }) => revision)
    .join(" ");

/**
 * Judges a winner that has changed against the record. Null: what is stored is newer, and stands over
 * it. At an equal stamp the winner is right: were it what is stored, as everywhere else, two servers
 * would write over each other for ever.
 */
const versionOfWinner = (
  record: StoredRecord | null,
  value: string | null,
  stamp: Stamp | null,
  now: Stamp,
): Version | "same" | null => {
  if (stamp !== null && record !== null) {
    if (stamp < record.stamp) return null;
    if (stamp === record.stamp && isSameValue(value, record.value)) return "same";
  }
  const next = record === null ? now : laterStamp(now, addMicros(record.stamp, 1));
  return { value, stamp: stamp ?? next };
};

/**
 * What a document's versions and its record are once versions with their histories have arrived, all
 * of one request. Pure. The winner is CouchDB's; it is compared by revision, before and after the
 * whole of them. Where it differs, the record becomes it: with its own stamp if a Synchro wrote it,
 * else with one from this server, later than the stored one. A winner whose own stamp is earlier than
 * the stored one does not replace what is stored, which then stands over it. Spec: COUCH-11 to COUCH-13.
 */
export const replicate = (
  versions: DocumentVersions,
  record: StoredRecord | null,
  arrivals: readonly Arrival[],
  context: ReplicationContext,
): Replication => {
  const { sha256, revisionsMax, now } = context;
  const before = winnerOf(versions.tree);
  const contents = contentsOf(versions, record, sha256);
  let tree = versions.tree;
  for (const arrival of arrivals) {
    const [newest] = arrival.history.revisions;
    const isKnown = tree.has(newest);
    tree = insertHistory(tree, arrival.history);
    if (isKnown) continue;
    const { value, attachments } = arrival;
    contents.set(newest, { value, stamp: provenStamp(arrival, sha256), attachments });
  }
  tree = stemTree(tree, revisionsMax);
  const next = { tree, leaves: kept(tree, contents) };
  const hasNewLeaf = namesOfLeaves(tree) !== namesOfLeaves(versions.tree);
  const winner = winnerOf(tree);
  if (winner === null || winner.revision === before?.revision) {
    return { versions: next, record: { kind: "kept", hasNewLeaf } };
  }
  const content = contents.get(winner.revision);
  const { value, stamp } = content ?? { value: null, stamp: null };
  const version = versionOfWinner(record, value, stamp, now);
  if (version === "same") return { versions: next, record: { kind: "kept", hasNewLeaf } };
  if (version !== null) return { versions: next, record: { kind: "written", version } };
  if (record === null || stamp === null) throw new Error("nothing is stored that could be newer");
  return {
    versions: writeOver(next, record, context),
    record: { kind: "kept", hasNewLeaf: true, superseded: { value, stamp } },
  };
};
