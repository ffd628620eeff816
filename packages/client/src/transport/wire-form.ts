import type {
  StreamEvent,
  WireChangeResult,
  WireDigest,
  WirePullAnswer,
  WireRecord,
  WireSyncAnswer,
} from "@synchro/protocol";

/**
 * What an answer must have to be one. Members that are not named here survive and mean nothing: a
 * newer server may send more. Values are the server's word and are not checked any further.
 */
export type Members = { readonly [name: string]: unknown };

export const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === "string";
const isSeq = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean =>
  value === undefined || is(value);

/** A cursor; null in a space that does not exist. */
export const isCursor = (value: unknown): value is string | null =>
  value === null || (isText(value) && value !== "");

const isReset = (value: unknown): boolean => value === "offer" || value === "drop";

export const isRecord = (value: unknown): value is WireRecord =>
  isMembers(value) &&
  isText(value["collection"]) &&
  isText(value["key"]) &&
  isText(value["updated_at"]) &&
  isSeq(value["seq"]) &&
  (value["deleted"] === true || isMembers(value["value"]));

const isCollectionDigest = (value: unknown): boolean =>
  isMembers(value) && isCount(value["count"]) && isText(value["sum"]);

export const isDigest = (value: unknown): value is WireDigest =>
  isMembers(value) &&
  isCount(value["at"]) &&
  isMembers(value["collections"]) &&
  Object.values(value["collections"]).every(isCollectionDigest);

type MemberOf<Union> = Union extends unknown ? keyof Union : never;

/** By the member that tells what became of a change. A new one does not compile until it stands here. */
const resultForms: {
  readonly [member in MemberOf<WireChangeResult>]: (value: unknown) => boolean;
} = {
  seq: isCount,
  merged: isSeq,
  superseded: isSeq,
  rejected: (value) =>
    isMembers(value) &&
    isText(value["code"]) &&
    isText(value["message"]) &&
    isText(value["path"]) &&
    isOptional(value["stored"], (stored) => stored === null || isText(stored)),
};

const isResult = (value: unknown): boolean =>
  isMembers(value) &&
  Object.entries(resultForms).some(
    ([member, is]) => Object.hasOwn(value, member) && is(value[member]),
  );

const isPageOf = (value: Members): boolean =>
  isCursor(value["cursor"]) &&
  typeof value["more"] === "boolean" &&
  isOptional(value["reset"], isReset) &&
  isOptional(value["digest"], isDigest);

const hasRecords = (value: Members): boolean =>
  Array.isArray(value["changes"]) && value["changes"].every(isRecord);

/** Cursor and `more` stand both, or, after `"pull": false`, neither. */
export const isSyncAnswer = (value: unknown): value is WireSyncAnswer =>
  isMembers(value) &&
  isText(value["now"]) &&
  isOptional(value["ack"], isText) &&
  Array.isArray(value["results"]) &&
  value["results"].every(isResult) &&
  hasRecords(value) &&
  ((value["cursor"] === undefined && value["more"] === undefined) || isPageOf(value));

export const isStreamEvent = (value: unknown): value is StreamEvent =>
  isMembers(value) && isPageOf(value) && hasRecords(value);

export const isPullAnswer = (value: unknown): value is WirePullAnswer =>
  isStreamEvent(value) && isText((value as Members)["now"]);
