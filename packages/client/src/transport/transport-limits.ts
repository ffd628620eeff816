/** Every limit of the client's side of the wire, with its unit in the name. */
export type TransportLimits = {
  /** Milliseconds for the app to give a token. */
  readonly tokenMs: number;
  /** Milliseconds from the start of a request to the headers of its answer; a long poll's wait comes on top. */
  readonly answerMs: number;
  /** Milliseconds from the headers of a JSON answer to its end. */
  readonly bodyMs: number;
  /** Milliseconds without a byte after which a connection counts as dead: over twice a server's `streamIdleMs`. */
  readonly silenceMs: number;
  /** Milliseconds for a connection to end in good order after its last line, so that it can be used again. */
  readonly drainMs: number;
  /** UTF-16 code units of one JSON answer, one event, or one page of lines: what is held in memory at a time. */
  readonly messageCharsMax: number;
  /** UTF-16 code units of a problem document; what is longer is read as none. */
  readonly problemCharsMax: number;
  /** Characters of JSON text above which a request's body is compressed; `Infinity` for never. */
  readonly compressAboveChars: number;
  /** The longest wait that a `Retry-After` may ask for. */
  readonly retryAfterMsMax: number;
  /** Milliseconds for a WebSocket to be open and welcomed: what swallows upgrades is not waited for. */
  readonly socketOpenMs: number;
  /** Milliseconds between two pings; a WebSocket over which nothing came from one to the next is dead. */
  readonly socketPingMs: number;
  /** UTF-16 code units of pages that came over a WebSocket and wait to be applied. */
  readonly socketQueueCharsMax: number;
  /** UTF-16 code units of a push that still goes over a WebSocket: what is longer goes compressed, by HTTP. */
  readonly socketPushCharsMax: number;
  /** A WebSocket that is cut sooner than this has proved nothing. */
  readonly socketMsMin: number;
  /** Milliseconds for which no WebSocket is tried after one that failed where server-sent events came through. */
  readonly socketRestMs: number;
};

export const defaultTransportLimits: TransportLimits = {
  tokenMs: 30_000,
  answerMs: 60_000,
  bodyMs: 300_000,
  silenceMs: 75_000,
  drainMs: 1_000,
  messageCharsMax: 32 * 1024 * 1024,
  problemCharsMax: 64 * 1024,
  compressAboveChars: 8 * 1024,
  retryAfterMsMax: 3_600_000,
  socketOpenMs: 5_000,
  socketPingMs: 25_000,
  socketQueueCharsMax: 8 * 1024 * 1024,
  socketPushCharsMax: 64 * 1024,
  socketMsMin: 10_000,
  socketRestMs: 300_000,
};
