import { formatStamp } from "@synchro/core";
import { withControl } from "../compose-control.ts";
import { readSpace } from "../config/argument-values.ts";
import { describeGrants } from "../control/describe-grants.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { textTable } from "./text-table.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Lists the devices that were let in, the newest first. */
export const deviceList = defineCommand({
  flags: {
    ...dataPlaceFlags,
    space: { value: "SPACE", variable: null, help: "only those that hold this space" },
  },
  run: async (args, terminal) => {
    const given = args.value("space");
    const space = given === undefined ? null : readSpace(given);
    const devices = await withControl(
      readDataPlace(args, terminal.environment),
      { makes: false },
      (control) => control.listDevices(space),
    );
    const rows = devices.map(({ id, name, grants, createdAt, renewedAt, revokedAt }) => [
      id,
      revokedAt === null ? "let in" : "revoked",
      formatStamp(createdAt),
      formatStamp(renewedAt),
      describeGrants(grants),
      name,
    ]);
    const titles = ["DEVICE", "STATE", "LET IN AT", "LAST TOKEN", "SPACES", "NAME"];
    terminal.print(textTable([titles, ...rows]));
    return exitCodes.ok.code;
  },
});
