import type { EntryId } from "../store/outbox-entry.ts";
import type { RecordName } from "../store/held-record.ts";
import type { SyncState } from "../sync/sync-state.ts";

/** What became of a change, for the tab that waits to hear of it. */
export type WriteFate = {
  readonly id: EntryId;
  readonly kind: "applied" | "merged" | "superseded" | "refused" | "dropped" | "discarded";
  /** Of a refusal. */
  readonly rejection?: { readonly code: string; readonly message: string; readonly path: string };
};

/** What tabs over one store tell each other. A lost message costs a stale view until the next one, never data. */
export type TabMessage =
  /** The outbox holds something new: to whoever leads. */
  | { readonly kind: "edited"; readonly names: readonly RecordName[] }
  /** Other versions are held; `null`: too many to name. */
  | {
      readonly kind: "changed";
      readonly names: readonly RecordName[] | null;
      readonly fates: readonly WriteFate[];
    }
  /** What the leader is at. */
  | { readonly kind: "state"; readonly state: SyncState; readonly diverged: readonly string[] }
  /** Somebody came who has not heard the state yet. */
  | { readonly kind: "hello" }
  /** Try again now: a token was renewed, a person asked. */
  | { readonly kind: "wake" };

/** A line between the tabs over one store. */
export interface TabChannel {
  /** To all others. */
  post(message: TabMessage): void;
  close(): void;
}

export type OpenTabChannel = (onMessage: (message: TabMessage) => void) => TabChannel;

/** Names in one message; beyond, the others read all anew. */
export const NAMES_MAX = 1_000;

/** Where nobody else is. */
export const openNoChannel: OpenTabChannel = () => ({ post: () => {}, close: () => {} });

/** By BroadcastChannel. @param name one a store: the same in all tabs */
export const broadcastChannel =
  (name: string): OpenTabChannel =>
  (onMessage) => {
    const channel = new BroadcastChannel(name);
    channel.addEventListener("message", (event) =>
      onMessage((event as { readonly data: TabMessage }).data),
    );
    return {
      post: (message) => channel.postMessage(message),
      close: () => channel.close(),
    };
  };
