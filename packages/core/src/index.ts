export {
  COLLECTION_NAME_PATTERN,
  type CollectionName,
  type CollectionSet,
  collectionSet,
  isCollectionName,
  isSameCollectionSet,
} from "./collection-name.ts";
export { canonicalJson } from "./canonical-json.ts";
export {
  type Ack,
  type Cursor,
  type CursorPosition,
  type Decoded,
  decodeAck,
  decodeCursor,
  encodeAck,
  encodeCursor,
  headSeen,
} from "./cursor.ts";
export {
  type Digest,
  EMPTY_DIGEST,
  formatSum,
  parseSum,
  recordSum,
  replaceInDigest,
} from "./digest.ts";
export {
  drawEpoch,
  type Epoch,
  type EpochEntry,
  epochInLife,
  type EpochPosition,
  EPOCHS_MAX,
  isPositionValid,
  lifeOf,
  lifeOfSpace,
  listEpoch,
} from "./epoch.ts";
export { parseInstant } from "./instant.ts";
export { isJsonEqual, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
export { createPolicy, type MergeRules } from "./merge/create-policy.ts";
export { type FieldRules } from "./merge/fields/create-fields-policy.ts";
export {
  compareCanonical,
  type FieldFunction,
  fieldFunctions,
} from "./merge/fields/field-function.ts";
export {
  type FieldState,
  formatFieldState,
  isLife,
  LIFE_MAX,
  parseFieldState,
} from "./merge/fields/field-state.ts";
export {
  type FieldFunctions,
  type FieldsPoint,
  type FieldVersion,
  isSamePoint,
  joinPoints,
  normalizePoint,
  pointOf,
  versionOf,
} from "./merge/fields/fields-point.ts";
export { lastWrite } from "./merge/last-write.ts";
export {
  type Merge,
  type MergePolicy,
  type MergePolicyName,
  mergePolicyNames,
  type Verdict,
  type VersionContent,
} from "./merge/merge-policy.ts";
export {
  endOfPage,
  planPull,
  type PullPlan,
  type PullRequest,
  type Reset,
} from "./pull/plan-pull.ts";
export { type Page, type PageLimits, takePage } from "./pull/take-page.ts";
export { keptRefusal } from "./push/kept-refusal.ts";
export { type PushPlan, type PushPlanInput, planPush, type RecordWrite } from "./push/plan-push.ts";
export type {
  AssignChange,
  ChangeResult,
  Evidence,
  PushChange,
  RefusedChange,
  RefusedEvidence,
  WriteChange,
} from "./push/push-change.ts";
export { type Rejection, type RejectionCode, rejectionCodes } from "./push/rejection.ts";
export { KEY_BYTES_MAX, KEY_CODE_POINTS_MAX, recordKeyProblem } from "./record-key.ts";
export { type Author, isSameValue, recordId, type Seq, type StoredRecord } from "./record.ts";
export {
  type DocumentVersions,
  type LeafContent,
  type VersionsContext,
  versionsOfRecord,
  writeOver,
} from "./revisions/document.ts";
export { type History, insertHistory, isHistory } from "./revisions/insert-history.ts";
export { type MissingRevisions, missingRevisions } from "./revisions/missing-revisions.ts";
export {
  compareRevisions,
  GENERATION_MAX,
  generationOf,
  hashOf,
  parseRevision,
  type Revision,
  revisionOf,
} from "./revisions/revision.ts";
export {
  ancestryOf,
  conflictsOf,
  EMPTY_TREE,
  latestOf,
  type Leaf,
  leavesOf,
  type RevisionNode,
  type RevisionTree,
  winnerOf,
} from "./revisions/revision-tree.ts";
export {
  type Arrival,
  replicate,
  type Replication,
  type ReplicationContext,
} from "./revisions/replicate.ts";
export { revisionOfWrite, type Version } from "./revisions/revision-of-write.ts";
export { stemTree } from "./revisions/stem-tree.ts";
export { formatTree, parseTree } from "./revisions/tree-text.ts";
export { type Cancel, type Runtime, toHex } from "./runtime.ts";
export { isSpaceId, SPACE_ID_PATTERN, type SpaceId } from "./space-id.ts";
export { digestOf, liveRecords, newSpaceState, type SpaceState } from "./space-state.ts";
export {
  addMicros,
  formatStamp,
  laterStamp,
  parseStamp,
  type Stamp,
  STAMP_MAX,
  STAMP_MIN,
  stampFromMillis,
  stampFromSeconds,
  stampToMillis,
} from "./stamp.ts";
export { compareCodePoints, countCodePoints, isStorableText, utf8Length } from "./unicode.ts";
