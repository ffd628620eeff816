import { withControl } from "../compose-control.ts";
import { refuseUsage } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { type DeviceId, HONOURED_WITHIN_S } from "../control/control-store.ts";
import { isDeviceId } from "../control/draw-device-id.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const readDevice = (text: string): DeviceId =>
  isDeviceId(text)
    ? text
    : refuseUsage(
        `DEVICE must be the id of a device, d_ and 20 hexadecimal digits, not ${JSON.stringify(text)}`,
      );

/** Shuts a device out: it gets no token any more, and those that it has are refused. */
export const deviceRevoke = defineCommand({
  operands: [{ name: "DEVICE", help: "the device's id, as synchro device list shows it" }],
  flags: { ...dataPlaceFlags },
  run: async (args, terminal) => {
    const id = readDevice(args.operands[0] ?? "");
    const device = await withControl(
      readDataPlace(args, terminal.environment),
      { makes: false },
      (control) => control.revokeDevice(id, actingNow()),
    );
    if (device === null) throw new StartError(`there is no device ${id}: see synchro device list`);
    terminal.print(
      `${id} (${device.name}) is shut out: every server over this data knows within ${HONOURED_WITHIN_S} seconds.\n`,
    );
    return exitCodes.ok.code;
  },
});
