import { defaultLimits, type Limits } from "./limits.ts";
import { auditListSchema } from "./messages/audit-list.ts";
import { changeResultSchema, rejectionSchema } from "./messages/change-result.ts";
import { createChangeSchema } from "./messages/change.ts";
import { deviceAdmissionSchema, deviceListSchema, deviceTokenSchema } from "./messages/device.ts";
import { digestSchema } from "./messages/digest.ts";
import { evidenceListSchema } from "./messages/evidence-list.ts";
import { historyListSchema } from "./messages/history-list.ts";
import { invitationRequestSchema, invitationSchema } from "./messages/invitation.ts";
import { liveChangesSchema } from "./messages/live-changes.ts";
import { createLiveErrorSchema } from "./messages/live-error.ts";
import { createLiveHelloSchema } from "./messages/live-hello.ts";
import { livePingSchema } from "./messages/live-ping.ts";
import { livePongSchema } from "./messages/live-pong.ts";
import { createLivePushDocumentSchema } from "./messages/live-push.ts";
import { createLiveResultsSchema } from "./messages/live-results.ts";
import { createLiveSubscribeSchema } from "./messages/live-subscribe.ts";
import { createLiveSubscribedSchema } from "./messages/live-subscribed.ts";
import { liveTokenSchema } from "./messages/live-token.ts";
import { liveUnsubscribeSchema } from "./messages/live-unsubscribe.ts";
import { liveWelcomeSchema } from "./messages/live-welcome.ts";
import { ndjsonLineSchema } from "./messages/ndjson-line.ts";
import { problemSchema } from "./messages/problem.ts";
import { pullAnswerSchema, streamEventSchema } from "./messages/pull-answer.ts";
import { createPullQueryDocumentSchema } from "./messages/pull-query.ts";
import { recordSchema } from "./messages/record.ts";
import { rejectionListSchema } from "./messages/rejection-list.ts";
import { revocationSchema } from "./messages/revocation.ts";
import { spaceEntrySchema, spaceListSchema } from "./messages/space-entry.ts";
import { spaceChangeSchema, spaceCreationSchema } from "./messages/space-request.ts";
import { createStatusSchema } from "./messages/status.ts";
import { syncAnswerSchema } from "./messages/sync-answer.ts";
import { createSyncRequestDocumentSchema } from "./messages/sync-request.ts";
import { v1AnswerSchema } from "./messages/v1-answer.ts";
import { v1QuerySchema } from "./messages/v1-query.ts";
import { createV1SyncRequestSchema } from "./messages/v1-sync-request.ts";

/** Every message of the wire by name, as it is documented: what an OpenAPI page is made of. */
export const createWireSchemas = (limits: Limits = defaultLimits) => ({
  Change: createChangeSchema(limits),
  Record: recordSchema,
  Status: createStatusSchema(limits),
  SyncRequest: createSyncRequestDocumentSchema(limits),
  Rejection: rejectionSchema,
  ChangeResult: changeResultSchema,
  Digest: digestSchema,
  SyncAnswer: syncAnswerSchema,
  PullQuery: createPullQueryDocumentSchema(limits),
  PullAnswer: pullAnswerSchema,
  StreamEvent: streamEventSchema,
  NdjsonLine: ndjsonLineSchema,
  LiveHello: createLiveHelloSchema(limits),
  LiveToken: liveTokenSchema,
  LiveSubscribe: createLiveSubscribeSchema(limits),
  LiveUnsubscribe: liveUnsubscribeSchema,
  LivePush: createLivePushDocumentSchema(limits),
  LivePing: livePingSchema,
  LiveWelcome: liveWelcomeSchema,
  LiveSubscribed: createLiveSubscribedSchema(limits),
  LiveChanges: liveChangesSchema,
  LiveResults: createLiveResultsSchema(limits),
  LiveError: createLiveErrorSchema(limits),
  LivePong: livePongSchema,
  EvidenceList: evidenceListSchema,
  RejectionList: rejectionListSchema,
  HistoryList: historyListSchema,
  SpaceEntry: spaceEntrySchema,
  SpaceList: spaceListSchema,
  SpaceCreation: spaceCreationSchema,
  SpaceChange: spaceChangeSchema,
  InvitationRequest: invitationRequestSchema,
  Invitation: invitationSchema,
  DeviceAdmission: deviceAdmissionSchema,
  DeviceToken: deviceTokenSchema,
  DeviceList: deviceListSchema,
  Revocation: revocationSchema,
  AuditList: auditListSchema,
  Problem: problemSchema,
  V1Query: v1QuerySchema,
  V1SyncRequest: createV1SyncRequestSchema(limits),
  V1Answer: v1AnswerSchema,
});
