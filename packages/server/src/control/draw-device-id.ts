import { type Runtime, toHex } from "@synchro/core";
import type { DeviceId } from "./control-store.ts";

const ID_BYTES = 10;

/** A new device's name: `d_` and 20 hexadecimal digits, 80 random bits. */
export const drawDeviceId = (runtime: Pick<Runtime, "randomBytes">): DeviceId =>
  `d_${toHex(runtime.randomBytes(ID_BYTES))}` as DeviceId;

/** Whether a text has the form of a device's id. */
export const isDeviceId = (text: string): text is DeviceId => /^d_[0-9a-f]{20}$/.test(text);
