/**
 * Every limit of the protocol and of a server, by name, with its unit in the name. A configuration
 * may change any of them. Spec: LIMIT-*.
 */
export type Limits = {
  /** Bytes of a request's body after decompression. */
  readonly bodyBytesMax: number;
  /** JSON values and member names in a body: what makes parsing dear. */
  readonly bodyTokensMax: number;
  /** Nesting of a body as a whole; a value has its own, lower limit. */
  readonly bodyDepthMax: number;
  /** Changes in a request. */
  readonly changesMax: number;
  /** Bytes of a value's JSON text in UTF-8. */
  readonly valueBytesMax: number;
  /** Nesting of a value; the value itself is level 1. */
  readonly valueDepthMax: number;
  /** Records in a page where the request names no limit. */
  readonly pageRecordsDefault: number;
  /** The greatest limit that a request may name. */
  readonly pageRecordsMax: number;
  /** Bytes of records past which a page ends. */
  readonly pageBytesMax: number;
  /** Bytes of records that beat changes past which the other changes of a request are left for the next one. */
  readonly lostBytesMax: number;
  /** Code points of a cursor or an ack. */
  readonly cursorLengthMax: number;
  /** Names in a request's `collections`. */
  readonly collectionsMax: number;
  /** Code points of a `client_id`, and of an `author`. */
  readonly labelLengthMax: number;
  /** Seconds that a long poll waits at most. */
  readonly waitSecondsMax: number;
  /** Bytes of records in one piece of a stream: what a subscriber that does not read holds at most. */
  readonly streamPageBytesMax: number;
  /** Milliseconds for which a client may take nothing of what it was sent; then its connection is cut. */
  readonly streamStallMs: number;
  /** Milliseconds after which an idle stream sends its advanced cursor. */
  readonly streamIdleMs: number;
  /** Milliseconds after which an open stream, long poll or NDJSON answer is authorized again, at the latest. */
  readonly streamAuthorizeMs: number;
  /** Requests a second that one token (or one device) may make for as long as it likes. */
  readonly requestsPerSecond: number;
  /** Requests that a token may make at once after a while of silence. */
  readonly requestsBurst: number;
  /** Streams, long polls and NDJSON answers that one server holds open at a time. */
  readonly streamsMax: number;
  /** Spaces that one WebSocket follows at a time. */
  readonly liveSubscriptionsMax: number;
  /** Pushes that one WebSocket has under way; nothing more is read from it meanwhile. */
  readonly livePushesMax: number;
  /** Bytes that a WebSocket has not taken past which nothing more is read for it, nor from it. */
  readonly liveBufferBytesMax: number;
  /** WebSockets that have not said yet who they are. */
  readonly liveWaitingMax: number;
  /** Milliseconds between two pings of a WebSocket; one that answers none of them until the next is cut. */
  readonly livePingMs: number;
  /** Milliseconds that a WebSocket stays open after its token has ended, for a new one. */
  readonly liveGraceMs: number;
  /** Records after which an NDJSON answer ends with `"more":true`. */
  readonly ndjsonRecordsMax: number;
  /** Milliseconds after which an NDJSON answer ends with `"more":true`. */
  readonly ndjsonMs: number;
  /** Milliseconds that a `/v1` answer may take to be read; then its connection is closed. */
  readonly v1AnswerMs: number;
  /** Versions kept as evidence for a record. */
  readonly evidencePerRecordMax: number;
  /** Days that evidence is kept. */
  readonly evidenceDays: number;
  /** Rejections kept in a space. */
  readonly rejectionsPerSpaceMax: number;
  /** Bytes of a rejected change that are kept with its reason; a larger one is kept without its text. */
  readonly rejectedBytesMax: number;
  /** Milliseconds for a request's headers to arrive. */
  readonly headersMs: number;
  /** Milliseconds for a whole request to arrive. */
  readonly requestMs: number;
};

const MIB = 1024 * 1024;

/** Of a value: what a client checks too. By themselves, so that it need not take all the others along. */
export const defaultValueLimits: Pick<Limits, "valueBytesMax" | "valueDepthMax"> = {
  valueBytesMax: 256 * 1024,
  valueDepthMax: 32,
};

export const defaultLimits: Limits = {
  bodyBytesMax: 4 * MIB,
  bodyTokensMax: 150_000,
  bodyDepthMax: 128,
  changesMax: 5_000,
  ...defaultValueLimits,
  pageRecordsDefault: 1_000,
  pageRecordsMax: 10_000,
  pageBytesMax: 4 * MIB,
  lostBytesMax: 4 * MIB,
  cursorLengthMax: 8_192,
  collectionsMax: 64,
  labelLengthMax: 128,
  waitSecondsMax: 60,
  streamPageBytesMax: 256 * 1024,
  streamStallMs: 30_000,
  streamIdleMs: 30_000,
  streamAuthorizeMs: 5_000,
  requestsPerSecond: 200,
  requestsBurst: 2_000,
  streamsMax: 5_000,
  liveSubscriptionsMax: 100,
  livePushesMax: 4,
  liveBufferBytesMax: 64 * 1024,
  liveWaitingMax: 1_000,
  livePingMs: 30_000,
  liveGraceMs: 30_000,
  ndjsonRecordsMax: 1_000_000,
  ndjsonMs: 60_000,
  v1AnswerMs: 60_000,
  evidencePerRecordMax: 20,
  evidenceDays: 90,
  rejectionsPerSpaceMax: 1_000,
  rejectedBytesMax: 64 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
};
