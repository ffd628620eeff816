import { type CollectionName, type CollectionSet, isCollectionName } from "./collection-name.ts";
import type { Epoch, EpochPosition } from "./epoch.ts";
import type { Seq } from "./record.ts";

declare const cursorBrand: unique symbol;
declare const ackBrand: unique symbol;

/** How far a client has read, as the opaque text that it keeps. */
export type Cursor = string & { readonly [cursorBrand]: true };

/** What a client has had acknowledged, as the opaque text that it keeps. */
export type Ack = string & { readonly [ackBrand]: true };

/** What a cursor says. */
export type CursorPosition = EpochPosition & {
  readonly collections: CollectionSet;
  /** During a run from the beginning the head when it began, else null. */
  readonly start: Seq | null;
  /**
   * While more is left: the head of the snapshot that the last page was read from; absent where
   * that is not above both `seq` and `start`. See {@link headSeen}.
   */
  readonly head?: Seq;
};

/**
 * The head of the snapshot up to which a cursor's holder has read. Between two pages it lies above
 * `seq`, and it is what must still be there: a record below `seq` that was written again stood
 * above it in that snapshot, but is back below it in older data, where the holder would miss it.
 */
export const headSeen = (position: CursorPosition): Seq =>
  Math.max(position.seq, position.start ?? 0, position.head ?? 0);

/** A client's cursor or ack after decoding; `invalid` is a text that this server did not make. */
export type Decoded<Position> = Position | "invalid" | null;

const epochPattern = /^[0-9a-z]{1,64}$/;
const seqPattern = /^(?:0|[1-9]\d{0,15})$/;

const parseSeq = (text: string | undefined): Seq | null => {
  if (text === undefined || !seqPattern.test(text)) return null;
  const seq = Number(text);
  return Number.isSafeInteger(seq) ? seq : null;
};

/**
 * `c1.EPOCH.SEQ.START.SET`: SEQ is `SEQ-HEAD` where the position has a head, START is `-` outside a
 * run from the beginning, SET is `*` for all. Safe in a URL and a header.
 */
export const encodeCursor = (position: CursorPosition): Cursor => {
  const { epoch, seq, head, start, collections } = position;
  const place = head === undefined ? `${seq}` : `${seq}-${head}`;
  const set = collections === null ? "*" : collections.join("~");
  return `c1.${epoch}.${place}.${start ?? "-"}.${set}` as Cursor;
};

const decodeSet = (text: string): CollectionSet | "invalid" => {
  if (text === "*") return null;
  // The empty set is a set: were it refused here, whoever asked with it would be reset for ever.
  if (text === "") return [];
  const names: CollectionName[] = [];
  for (const name of text.split("~")) {
    if (!isCollectionName(name)) return "invalid";
    names.push(name);
  }
  return names;
};

/** Reads `SEQ` or `SEQ-HEAD`. */
const decodePlace = (text: string): Pick<CursorPosition, "seq" | "head"> | null => {
  const [seqText, headText, ...rest] = text.split("-", 3);
  const seq = parseSeq(seqText);
  if (seq === null || headText === undefined) return seq === null ? null : { seq };
  const head = parseSeq(headText);
  return head === null || rest.length > 0 ? null : { seq, head };
};

/** Reads a cursor back; what no server of ours has made is `invalid`, never an exception. */
export const decodeCursor = (text: string): CursorPosition | "invalid" => {
  const [tag, epoch = "", placeText = "", startText, setText, ...rest] = text.split(".", 7);
  if (tag !== "c1" || setText === undefined || rest.length > 0 || !epochPattern.test(epoch)) {
    return "invalid";
  }
  const place = decodePlace(placeText);
  const start = startText === "-" ? null : parseSeq(startText);
  const collections = decodeSet(setText);
  if (place === null || (start === null && startText !== "-") || collections === "invalid") {
    return "invalid";
  }
  return { epoch: epoch as Epoch, ...place, start, collections };
};

/** `a1.EPOCH.HEAD` */
export const encodeAck = (position: EpochPosition): Ack =>
  `a1.${position.epoch}.${position.seq}` as Ack;

/** Reads an ack back; see {@link decodeCursor}. */
export const decodeAck = (text: string): EpochPosition | "invalid" => {
  const [tag, epoch = "", seqText, ...rest] = text.split(".", 5);
  const seq = parseSeq(seqText);
  if (tag !== "a1" || seq === null || rest.length > 0 || !epochPattern.test(epoch))
    return "invalid";
  return { epoch: epoch as Epoch, seq };
};
