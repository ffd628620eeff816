import type { Stamp } from "@synchro/core";
import type { SyncState } from "../sync/sync-state.ts";

/** What the platform promises for the data on this device. */
export type Storage =
  /** Nothing: they die with the page or the process. */
  | "memory"
  /** They are there until the browser needs room. */
  | "best-effort"
  /** They are there until the user removes them. */
  | "persistent";

/** Where the client is with its server, as this tab sees it. */
export type ConnectionStatus =
  /** The local data are being opened. */
  | { readonly state: "opening" }
  | SyncState
  /** The local data can't be opened, or went away while they were open: nothing can be read or written. */
  | { readonly state: "broken"; readonly reason: string };

/** What is known of the data themselves. */
export type DataStatus = {
  /** Changes that the server has not answered yet. */
  readonly pending: number;
  /** Changes that it refused for good: `client.outbox` lists them. */
  readonly rejected: number;
  /** When this device last held all that the server had, by its own clock; null: never. */
  readonly lastSyncedAt: Stamp | null;
  readonly storage: Storage;
  /** The browser has removed the data that were here, unsent ones with them, since the last visit. */
  readonly wasEvicted: boolean;
  /** Collections that differ from the server's although they were read anew: report it. */
  readonly diverged: readonly string[];
  /** The last write could not be kept on the device; null once one could. */
  readonly writeError: string | null;
};

/** All that a user should be able to see about their data. */
export type Status = ConnectionStatus & DataStatus;
