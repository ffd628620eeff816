import {
  type Evidence,
  formatStamp,
  type Rejection,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import { encodeRecords, encodeVersionMembers } from "./encode-record.ts";
import { encodeRejection } from "./encode-result.ts";

type Kept = { readonly clientId: string | null; readonly keptAt: Stamp };

export type EncodableEvidence = Evidence & Kept;

export type EncodableRejection = Kept & {
  readonly rejection: Rejection;
  /** The change as JSON text; null where it was too large to keep. */
  readonly body: string | null;
};

const encodeKept = ({ clientId, keptAt }: Kept): string =>
  `"client_id":${JSON.stringify(clientId)},"kept_at":"${formatStamp(keptAt)}"`;

/** `messages/evidence-list.ts`. */
export const encodeEvidenceList = (list: readonly EncodableEvidence[]): string => {
  const items = list.map(
    (evidence) =>
      `{"reason":"${evidence.reason}",${encodeVersionMembers(evidence)},${encodeKept(evidence)}}`,
  );
  return `{"evidence":[${items.join(",")}]}`;
};

/** `messages/rejection-list.ts`. */
export const encodeRejectionList = (list: readonly EncodableRejection[]): string => {
  const items = list.map((kept) => {
    const change = kept.body === null ? "" : `"change":${kept.body},`;
    return `{"rejected":${encodeRejection(kept.rejection)},${change}${encodeKept(kept)}}`;
  });
  return `{"rejections":[${items.join(",")}]}`;
};

/** `messages/history-list.ts`. */
export const encodeHistoryList = (versions: readonly StoredRecord[]): string =>
  `{"versions":${encodeRecords(versions)}}`;
