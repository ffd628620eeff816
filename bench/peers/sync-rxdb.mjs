// RxDB's first sync from its own server: FOLDER PORT BATCH. Into its storage in memory, until its
// replication says that it is in step.
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { replicateServer } from "rxdb-server/plugins/replication-server";
import { readingsSchema } from "./rxdb-schema.mjs";
import { reportRun } from "../clients/report-run.ts";

const [, port, batch] = process.argv.slice(2);

let collection;

const sync = async () => {
  const database = await createRxDatabase({ name: "client", storage: getRxStorageMemory() });
  ({ readings: collection } = await database.addCollections({
    readings: { schema: readingsSchema },
  }));
  const replication = replicateServer({
    replicationIdentifier: "bench",
    collection,
    url: `http://127.0.0.1:${port}/readings/0`,
    pull: { batchSize: Number(batch) },
    live: process.env.RX_LIVE === "1",
    waitForLeadership: false,
  });
  await replication.awaitInitialReplication();
};

await reportRun(sync, () => collection.count().exec());
