// RxDB's replication server over its storage in memory; prints its port when it listens.
import { createServer } from "node:net";
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { createRxServer } from "rxdb-server/plugins/server";
import { RxServerAdapterExpress } from "rxdb-server/plugins/adapter-express";
import { readingsSchema } from "./rxdb-schema.mjs";

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const database = await createRxDatabase({ name: "bench", storage: getRxStorageMemory() });
const { readings } = await database.addCollections({ readings: { schema: readingsSchema } });

const port = await freePort();
const server = await createRxServer({
  database,
  adapter: RxServerAdapterExpress,
  hostname: "127.0.0.1",
  port,
});
server.addReplicationEndpoint({ name: "readings", collection: readings });
await server.start();
process.stdout.write(`${port}\n`);
process.on("SIGTERM", () => process.exit(0));
