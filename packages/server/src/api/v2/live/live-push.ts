import type { SpaceId } from "@synchro/core";
import { encodeLiveResults, type SyncRequest } from "@synchro/protocol";
import { type Denial, denialOfPush } from "../../../service/denial.ts";
import type { Services } from "../../../service/services.ts";
import { readSyncRequest, type SyncReading } from "../read-sync-request.ts";
import type { PushFrame } from "./read-frame.ts";

/** Reads a push as the body of a sync is read; its members were checked with the frame. */
export const readPush = (
  { registry, limits, runtime }: Services,
  frame: PushFrame,
): SyncReading => {
  const request: SyncRequest = frame;
  const check = () => ({ kind: "ok", message: request }) as const;
  return readSyncRequest({ check, registry, limits, sha256: runtime.sha256 }, frame.body);
};

/** Does a push, and tells what to answer: a `results` frame, or why nothing was applied. */
export const answerPush = async (
  services: Services,
  push: {
    readonly id: string;
    readonly space: SpaceId;
    readonly clientId: string | null;
    readonly subject: string | null;
    readonly reading: Extract<SyncReading, { kind: "ok" }>;
  },
): Promise<string | Denial> => {
  const { id, space, clientId, subject, reading } = push;
  const answer = await services.sync({
    pull: {
      space,
      cursor: reading.request.cursor ?? null,
      ack: reading.request.ack ?? null,
      collections: reading.collections,
      tombstones: false,
      limit: null,
    },
    clientId: reading.request.client_id ?? clientId,
    changes: reading.changes(subject),
    pulls: false,
  });
  if (answer.kind !== "answered") return denialOfPush(answer);
  services.metrics.countRecordsSent(answer.records.length);
  const { push: committed, records } = answer;
  const now = committed?.now ?? services.runtime.now();
  return encodeLiveResults(id, { now, push: committed, records });
};
