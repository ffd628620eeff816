import { leadAlone, leadByLock } from "../tabs/leadership.ts";
import { broadcastChannel, openNoChannel } from "../tabs/tab-channel.ts";
import { askBrowser, type BrowserStorage, forgetMark } from "./browser-storage.ts";
import type { ClientStoreOptions } from "../store/client-store.ts";
import type { ClientCoreDeps, OpenStore } from "./client-core.ts";

const browserStorage = (): BrowserStorage => ({
  ...(typeof navigator === "object" && navigator.storage?.persist !== undefined
    ? { persist: () => navigator.storage.persist() }
    : {}),
  // Node has the one without the other, and warns of it.
  ...(typeof indexedDB === "object" && typeof localStorage === "object"
    ? { marks: localStorage }
    : {}),
});

/** It is asked for as soon as there is a client, and is no part of what an app loads that brings a store of its own. */
const browserStore =
  (name: string): OpenStore =>
  async (options: ClientStoreOptions) => {
    const { openIndexedDbStore } = await import("../store/indexeddb/open-indexeddb-store.ts");
    return openIndexedDbStore({ name, ...options });
  };

const hasTabs = (): boolean =>
  typeof indexedDB === "object" &&
  typeof navigator === "object" &&
  navigator.locks !== undefined &&
  typeof BroadcastChannel === "function";

/** Network and visibility say when waiting has lost its reason; answers how to stop listening. */
export const listenToPage = (onChange: () => void): (() => void) => {
  if (typeof addEventListener !== "function" || typeof document !== "object") return () => {};
  const onVisible = (): void => {
    if (document.visibilityState === "visible") onChange();
  };
  addEventListener("online", onChange);
  document.addEventListener("visibilitychange", onVisible);
  return () => {
    removeEventListener("online", onChange);
    document.removeEventListener("visibilitychange", onVisible);
  };
};

/** What the platform has for one store: where it is kept, who else may have it open, and what it promises. */
export type ClientPlatform = Pick<
  ClientCoreDeps,
  "openStore" | "leadership" | "openChannel" | "askStorage"
> & {
  /** The data go at their user's wish. */
  readonly forget: () => void;
};

/** @param name one a space and user @param given the app's own store, which is never shared between tabs */
export const clientPlatform = (name: string, given: OpenStore | undefined): ClientPlatform => {
  const isShared = given === undefined && hasTabs();
  const storage = browserStorage();
  const openStore = given ?? (typeof indexedDB === "object" ? browserStore(name) : null);
  if (openStore === null) {
    throw new TypeError(
      "openStore: there is no IndexedDB here, so it must say where data are kept",
    );
  }
  return {
    openStore,
    leadership: isShared ? leadByLock(navigator.locks, name) : leadAlone,
    openChannel: isShared ? broadcastChannel(name) : openNoChannel,
    askStorage: (store) => askBrowser(store, name, storage),
    forget: () => forgetMark(name, storage),
  };
};
