// The same as bench/clients/query-synchro.ts over RxDB's storage in memory: FOLDER PORT CHANGES some|all.
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { replicateServer } from "rxdb-server/plugins/replication-server";
import { reportRun, tellStep } from "../clients/report-run.ts";
import { readingsSchema } from "./rxdb-schema.mjs";

const [, port, changes, which] = process.argv.slice(2);

const database = await createRxDatabase({ name: "client", storage: getRxStorageMemory() });
const { readings } = await database.addCollections({ readings: { schema: readingsSchema } });
const replication = replicateServer({
  replicationIdentifier: "bench",
  collection: readings,
  url: `http://127.0.0.1:${port}/readings/0`,
  pull: { batchSize: 1_000 },
  live: true,
  waitForLeadership: false,
});
await replication.awaitInSync();

const selector = which === "all" ? {} : { quantity: { $lt: 10 } };
let heard = 0;
let onChange = () => {};
await new Promise((resolve) => {
  readings.find({ selector, sort: [{ quantity: "asc" }] }).$.subscribe(() => {
    resolve();
    onChange();
  });
});
// It streams what changes from here on; what was there before has settled by then.
await new Promise((resolve) => setTimeout(resolve, 500));

await reportRun(
  () =>
    new Promise((resolve) => {
      onChange = () => {
        heard += 1;
        tellStep();
        if (heard === Number(changes)) resolve();
      };
    }),
  () => Promise.resolve(heard),
);
