import type { ChangeResult } from "@synchro/core";

/** The forms in which a stream of changes is sent. */
export type StreamKind = "sse" | "ndjson" | "long_poll" | "v1_sse";

export type ObservedRequest = {
  readonly method: string;
  /** The route's pattern, never the path: names of shops and cursors stay out. */
  readonly route: string;
  /** 0 where the client went away before an answer began. */
  readonly status: number;
  readonly durationMs: number;
};

/**
 * What a process tells of its work. Transport-free, and cheap enough to be called for each change:
 * a call adds to a number, and all else happens when somebody looks.
 */
export type Metrics = {
  /** One push answered: but for `committed` nothing of it was applied, for the disk or the space was full. */
  readonly countPush: (outcome: "committed" | "full" | "over_quota") => void;
  /** One change of a push answered. */
  readonly countResult: (kind: ChangeResult["kind"]) => void;
  /** Records sent to clients, in whatever form. */
  readonly countRecordsSent: (count: number) => void;
  /** A stream is open until the returned function is called; calling that again does nothing. */
  readonly openStream: (kind: StreamKind) => () => void;
  readonly observeRequest: (request: ObservedRequest) => void;
};
