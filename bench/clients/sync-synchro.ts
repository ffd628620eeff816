// A device's first sync: FOLDER PORT memory|sqlite. From `createClient` until the status says that it
// holds all there is and hears of each change.
import { join } from "node:path";
import { collection, createClient, t } from "@synchro/client";
import { openMemoryStore } from "@synchro/client/memory";
import { openNodeSqliteStore } from "@synchro/client/node-sqlite";
import { reportRun } from "./report-run.ts";

const [folder = "", port = "", kind = "memory"] = process.argv.slice(2);

const readings = collection("readings", {
  fields: { expiration_date: t.date(), quantity: t.integer().optional() },
});

const open = () =>
  createClient({
    url: `http://127.0.0.1:${port}`,
    space: "default",
    collections: { readings },
    openStore: (options) =>
      kind === "sqlite"
        ? openNodeSqliteStore({ path: join(folder, "client.db"), ...options })
        : openMemoryStore(options),
  });

let db: ReturnType<typeof open>;

await reportRun(
  () =>
    new Promise((resolve) => {
      db = open();
      db.status.subscribe(({ state }) => {
        if (state === "live") resolve();
      });
    }),
  async () => (await db.readings.get()).length,
);
