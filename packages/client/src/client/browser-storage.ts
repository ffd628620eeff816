import type { ClientStore } from "../store/client-store.ts";
import type { Status } from "./status.ts";

const MARK = "synchro:";

/** What is asked of the browser; each may be missing. */
export type BrowserStorage = {
  readonly persist?: () => Promise<boolean>;
  /** Remembers that there were data, apart from where they are kept. */
  readonly marks?: Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem">;
};

/**
 * Asks the browser to keep the data, and notices if it did not: the mark of an earlier store is there,
 * and its data are not. Browsers may remove both; then nobody can know.
 */
export const askBrowser = async (
  store: ClientStore,
  name: string,
  { persist, marks }: BrowserStorage,
): Promise<Pick<Status, "storage" | "wasEvicted">> => {
  if (!store.capabilities.isDurable) return { storage: "memory", wasEvicted: false };
  const { clientId } = await store.read((reader) => reader.getMeta(["clientId"]));
  const mark = safely(() => marks?.getItem(MARK + name) ?? null);
  safely(() => marks?.setItem(MARK + name, clientId));
  const isKept = (await persist?.().catch(() => false)) ?? false;
  return {
    storage: isKept ? "persistent" : "best-effort",
    wasEvicted: mark !== null && mark !== clientId,
  };
};

/** The data go at their user's wish: that is no eviction. */
export const forgetMark = (name: string, { marks }: BrowserStorage): void => {
  safely(() => marks?.removeItem(MARK + name));
};

/** Some browsers throw at the mere touch, where storage is switched off. */
const safely = <Value>(work: () => Value): Value | null => {
  try {
    return work();
  } catch {
    return null;
  }
};
