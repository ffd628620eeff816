import type { Runtime, Stamp } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { ControlStore, Device } from "../../control/control-store.ts";
import type { Authorize, Identify } from "../../service/authorize.ts";
import type { Store } from "../../store/store.ts";

/** Makes a token for a device that may have one. */
export type MintDeviceToken = (
  device: Device,
) => Promise<{ readonly token: string; readonly expiresAt: Stamp }>;

export type AdminDeps = {
  readonly control: ControlStore;
  readonly store: Pick<Store, "listSpaces" | "describeSpace" | "purge" | "beginEpoch">;
  readonly identify: Identify;
  readonly authorize: Authorize;
  readonly runtime: Runtime;
  readonly limits: Limits;
  /** Null in open mode: there are no tokens to give. */
  readonly mintDeviceToken: MintDeviceToken | null;
  /** The address at which devices reach the server, for QR codes; null: it is not known. */
  readonly publicUrl: string | null;
};
