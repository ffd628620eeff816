import {
  type Ack,
  type ChangeResult,
  type Cursor,
  formatStamp,
  type Reset,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import { encodeDigest, type SnapshotDigest } from "./encode-digest.ts";
import { encodeRecord, encodeRecords } from "./encode-record.ts";
import { encodeResults } from "./encode-result.ts";

/** Where a page left the client. */
export type PageEnd = {
  readonly reset: Reset | null;
  readonly more: boolean;
  /** Null in a space that does not exist. */
  readonly cursor: Cursor | null;
  /** Only where `more` is false. */
  readonly digest: SnapshotDigest | null;
};

export type EncodablePage = PageEnd & { readonly records: readonly StoredRecord[] };

export type EncodableSyncAnswer = {
  readonly now: Stamp;
  /** Null where the request had no changes. */
  readonly push: { readonly ack: Ack; readonly results: readonly ChangeResult[] } | null;
  /** Null where the request asked for results only. */
  readonly pull: PageEnd | null;
  /** The records that beat a change, then those of the page. */
  readonly records: readonly StoredRecord[];
};

const cursorText = (cursor: Cursor | null): string =>
  cursor === null ? "null" : JSON.stringify(cursor);

const resetMember = (reset: Reset | null): string => (reset === null ? "" : `,"reset":"${reset}"`);

const digestMember = (digest: SnapshotDigest | null): string =>
  digest === null ? "" : `,"digest":${encodeDigest(digest)}`;

/** The body of an answer to `POST …/sync` (`messages/sync-answer.ts`). */
export const encodeSyncAnswer = ({ now, push, pull, records }: EncodableSyncAnswer): string => {
  const page =
    pull === null
      ? ""
      : `"cursor":${cursorText(pull.cursor)},"more":${pull.more}${resetMember(pull.reset)},`;
  const ack = push === null ? "" : `"ack":${JSON.stringify(push.ack)},`;
  const results = encodeResults(push?.results ?? []);
  return `{${page}${ack}"now":"${formatStamp(now)}","results":${results},"changes":${encodeRecords(records)}${digestMember(pull?.digest ?? null)}}`;
};

const encodePage = (page: EncodablePage, now: string): string =>
  `{"cursor":${cursorText(page.cursor)},"more":${page.more}${resetMember(page.reset)}${now},"changes":${encodeRecords(page.records)}${digestMember(page.digest)}}`;

/** The body of an answer to `GET …/changes` as JSON (`messages/pull-answer.ts`). */
export const encodePullAnswer = (page: EncodablePage, now: Stamp): string =>
  encodePage(page, `,"now":"${formatStamp(now)}"`);

/** The data of a stream's event, one line of JSON (`streamEventSchema`). */
export const encodeStreamEvent = (page: EncodablePage): string => encodePage(page, "");

/**
 * One page as lines of NDJSON (`messages/ndjson-line.ts`), each ended by a line feed. The last page
 * of an answer ends with the line that has `more`: without it a client knows that it holds a part.
 */
export const encodeNdjsonPage = (page: EncodablePage, isLast: boolean): string => {
  let text = page.reset === null ? "" : `{"reset":"${page.reset}"}\n`;
  for (const record of page.records) text += `${encodeRecord(record)}\n`;
  const end = isLast ? `,"more":${page.more}${digestMember(page.digest)}` : "";
  return `${text}{"cursor":${cursorText(page.cursor)}${end}}\n`;
};
