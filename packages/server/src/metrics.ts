import type { ChangeResult } from "@synchro/core";

/** The forms in which a stream of changes is sent. */
export type StreamKind = "sse" | "ndjson" | "long_poll" | "v1_sse" | "websocket";

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

/** A number of the moment, read only when somebody looks. */
export type GaugeName =
  /** TCP connections that are open, of whatever use. */
  | "connections"
  /** Bytes that were written to those and not taken yet by the other end. */
  | "buffered_bytes"
  /** Seconds since the oldest commit that a stream here was told of and has not passed on. */
  | "oldest_unsent_seconds"
  /** 1 where other nodes can be told of commits and tell of theirs, else 0. */
  | "bus_up"
  /** Connections to the database: as many as there may be, in use, and callers that wait for one. */
  | "pool_size"
  | "pool_used"
  | "pool_waiting";

/** What the parts beneath the services tell: as cheap as {@link Metrics}. */
export type NodeMetrics = {
  /** One transaction of pushes was committed: how many shared it, and the records that they changed. */
  readonly observeCommit: (commit: { readonly pushes: number; readonly records: number }) => void;
  /** Milliseconds that somebody waited for a connection to the database. */
  readonly observePoolWait: (waitMs: number) => void;
  /** Milliseconds from the news of a commit until one stream had passed it on. */
  readonly observeFanOut: (latencyMs: number) => void;
  /** Hints to and from other nodes, and words that came by that way and were none. */
  readonly countHints: (direction: "sent" | "received" | "malformed", count: number) => void;
  /** Who knows the number says so once; a later one takes its place. */
  readonly watchGauge: (name: GaugeName, read: () => number) => void;
  /** How far each replica is behind, by its name; null: it does not answer. */
  readonly watchReplicas: (read: () => ReadonlyMap<string, number | null>) => void;
};
