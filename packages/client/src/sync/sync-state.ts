import type { TransportFailure } from "../transport/transport.ts";

/** Why nothing goes to or from the server, or only one way. Nothing is deleted for any of them. */
export type Obstacle =
  | Exclude<TransportFailure, { readonly kind: "too_large" }>
  /** The device has no room: nothing more is taken in until there is. */
  | { readonly kind: "full" };

/** What the sync loop is at. */
export type SyncState =
  | { readonly state: "stopped" }
  /** Exchanging changes and pages; `received` counts records since this began. */
  | { readonly state: "syncing"; readonly received: number }
  /** Up to date, and told of each change as it comes (`stream`), or soon after (`poll`). */
  | { readonly state: "live"; readonly by: "stream" | "long poll" | "poll" }
  /** Tries again after `retryMs`, or sooner if told that something has changed. */
  | { readonly state: "waiting"; readonly obstacle: Obstacle; readonly retryMs: number };
