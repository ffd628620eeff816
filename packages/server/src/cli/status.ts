import { inspectFolder } from "../compose-operations.ts";
import { inspectDatabase } from "../compose-postgres.ts";
import { placeName } from "../config/data-place.ts";
import {
  databaseStatusText,
  readDatabaseStatus,
  readStatus,
  statusText,
} from "../operations/read-status.ts";
import { readServerStatus, serverStatusText } from "../operations/server-status.ts";
import { systemRuntime } from "../system-runtime.ts";
import { placeFlags, readPlace } from "../transfer/place-flags.ts";
import { createServerClient } from "../transfer/server-client.ts";
import { withStopSignal } from "../transfer/stop-signal.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Shows what a data folder, or a running server, holds. */
export const status = defineCommand({
  flags: { ...placeFlags, json: { value: null, variable: null, help: "print JSON" } },
  notes: [
    "With --data or --database it only reads, also while servers run. With --url it asks a server, as",
    "the holder of the token: the spaces that may be seen, and what is told of those administered.",
  ],
  run: async (args, terminal) => {
    const place = readPlace(args, terminal.environment);
    if (place.kind === "data" && place.data.kind === "database") {
      const facts = await inspectDatabase(place.data);
      const read = readDatabaseStatus(placeName(place.data), facts);
      const text = args.isOn("json")
        ? `${JSON.stringify(read, null, 2)}\n`
        : databaseStatusText(read);
      terminal.print(text);
      return exitCodes.ok.code;
    }
    if (place.kind === "data") {
      const data = placeName(place.data);
      const read = readStatus(data, inspectFolder(data));
      terminal.print(args.isOn("json") ? `${JSON.stringify(read, null, 2)}\n` : statusText(read));
      return exitCodes.ok.code;
    }
    const read = await withStopSignal((signal) =>
      readServerStatus(createServerClient({ ...place, runtime: systemRuntime, signal })),
    );
    terminal.print(
      args.isOn("json") ? `${JSON.stringify(read, null, 2)}\n` : serverStatusText(read),
    );
    return exitCodes.ok.code;
  },
});
