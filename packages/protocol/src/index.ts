export { type CollectionDeclaration, builtInCollections } from "./built-in-collections.ts";
export { type Checked, type Checker, createChecker } from "./checker.ts";
export {
  type EncodablePage,
  type EncodableSyncAnswer,
  encodeNdjsonPage,
  encodePullAnswer,
  encodeStreamEvent,
  encodeSyncAnswer,
  type PageEnd,
} from "./encode-answer.ts";
export { encodeDigest, type SnapshotDigest } from "./encode-digest.ts";
export { encodeEvent, type StreamedEvent } from "./encode-event.ts";
export {
  type EncodableEvidence,
  type EncodableRejection,
  encodeEvidenceList,
  encodeHistoryList,
  encodeRejectionList,
} from "./encode-kept.ts";
export {
  encodeLiveChanges,
  encodeLiveError,
  encodeLiveResults,
  encodeLiveSubscribed,
  encodeLiveWelcome,
  LIVE_PONG,
} from "./encode-live.ts";
export { encodeRecord, encodeRecords } from "./encode-record.ts";
export { encodeRejection, encodeResults } from "./encode-result.ts";
export {
  type ProblemCode,
  type ProblemEntry,
  problems,
  type RejectionEntry,
  rejections,
} from "./error-code.ts";
export type { FieldError } from "./field-error.ts";
export { INSTANT_FORMAT, INSTANT_RULE, isInstant } from "./instant-format.ts";
export {
  type JsonScan,
  type JsonScanLimits,
  type JsonViolation,
  type JsonViolationRule,
  scanJson,
} from "./json-scan.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { MessageOf } from "./message-of.ts";
export {
  changeResultSchema,
  rejectionSchema,
  type WireChangeResult,
  type WireRejection,
} from "./messages/change-result.ts";
export { type Change, createChangeSchema } from "./messages/change.ts";
export { digestSchema, type WireDigest } from "./messages/digest.ts";
export { evidenceListSchema, type WireEvidenceList } from "./messages/evidence-list.ts";
export { historyListSchema, type WireHistoryList } from "./messages/history-list.ts";
export { type LiveChanges, liveChangesSchema } from "./messages/live-changes.ts";
export { createLiveErrorSchema, type LiveError } from "./messages/live-error.ts";
export {
  LIVE_PATH,
  LIVE_SUBPROTOCOL,
  type LiveClientFrame,
  type LiveServerFrame,
} from "./messages/live-frame.ts";
export { createLiveHelloSchema, type LiveHello } from "./messages/live-hello.ts";
export { type LivePing, livePingSchema } from "./messages/live-ping.ts";
export { type LivePong, livePongSchema } from "./messages/live-pong.ts";
export {
  createLivePushDocumentSchema,
  createLivePushSchema,
  type LivePush,
  type LivePushDocument,
} from "./messages/live-push.ts";
export { createLiveResultsSchema, type LiveResults } from "./messages/live-results.ts";
export { createLiveSubscribeSchema, type LiveSubscribe } from "./messages/live-subscribe.ts";
export { createLiveSubscribedSchema, type LiveSubscribed } from "./messages/live-subscribed.ts";
export { type LiveToken, liveTokenSchema } from "./messages/live-token.ts";
export { type LiveUnsubscribe, liveUnsubscribeSchema } from "./messages/live-unsubscribe.ts";
export { type LiveWelcome, liveWelcomeSchema } from "./messages/live-welcome.ts";
export { type NdjsonLine, ndjsonLineSchema } from "./messages/ndjson-line.ts";
export { type Problem, PROBLEM_MEDIA_TYPE, problemOf, problemSchema } from "./messages/problem.ts";
export {
  pullAnswerSchema,
  type StreamEvent,
  streamEventSchema,
  type WirePullAnswer,
} from "./messages/pull-answer.ts";
export { createPullQueryDocumentSchema, type PullQuery } from "./messages/pull-query.ts";
export { recordSchema, type WireRecord } from "./messages/record.ts";
export { rejectionListSchema, type WireRejectionList } from "./messages/rejection-list.ts";
export { createStatusSchema, type Status } from "./messages/status.ts";
export { syncAnswerSchema, type WireSyncAnswer } from "./messages/sync-answer.ts";
export {
  createSyncRequestDocumentSchema,
  createSyncRequestSchema,
  type SyncRequest,
  type SyncRequestDocument,
} from "./messages/sync-request.ts";
export { type V1Answer, v1AnswerSchema, type V1Record } from "./messages/v1-answer.ts";
export { auditListSchema, type WireAuditList } from "./messages/audit-list.ts";
export {
  DEVICE_SECRET_PATTERN,
  type DeviceAdmission,
  deviceAdmissionSchema,
  deviceListSchema,
  type DeviceToken,
  deviceTokenSchema,
  type WireDeviceList,
} from "./messages/device.ts";
export {
  INVITATION_SECONDS,
  INVITATION_SECONDS_MAX,
  INVITATION_USES_MAX,
  type InvitationRequest,
  invitationRequestSchema,
  invitationSchema,
  type WireInvitation,
} from "./messages/invitation.ts";
export { type Revocation, revocationSchema } from "./messages/revocation.ts";
export {
  spaceEntrySchema,
  spaceListSchema,
  titleProblem,
  type WireSpaceEntry,
} from "./messages/space-entry.ts";
export {
  type SpaceChange,
  spaceChangeSchema,
  type SpaceCreation,
  spaceCreationSchema,
} from "./messages/space-request.ts";
export { type V1Query, v1QuerySchema } from "./messages/v1-query.ts";
export { createV1SyncRequestSchema, type V1SyncRequest } from "./messages/v1-sync-request.ts";
export { PROTOCOL_VERSION, WIRE_HASH } from "./protocol-version.ts";
export { createReadPullQuery, type ReadPullQuery } from "./read-pull-query.ts";
export { createWireSchemas } from "./wire-schemas.ts";
