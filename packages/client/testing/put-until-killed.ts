// A device's program: puts readings one after the other and says so once each is durable here. It is
// killed in the middle: node put-until-killed.ts URL FILE FIRST
import { openNodeSqliteStore } from "@synchro/client/node-sqlite";
import { collection, createClient, t } from "@synchro/client";

const [url = "", path = "", first = "0"] = process.argv.slice(2);

const readings = collection("readings", {
  key: "gtin",
  fields: { gtin: t.string(), expiration_date: t.date(), quantity: t.integer().optional() },
});

const db = createClient({
  url,
  space: "malmo-1",
  collections: { readings },
  openStore: (options) => openNodeSqliteStore({ path, ...options }),
});

for (let count = Number(first); ; count += 1) {
  // Some records are edited again and again, also while they are on their way.
  const gtin = `k${count % 40}`;
  const write = db.readings.put({ gtin, expiration_date: "2026-12-01", quantity: count });
  await write.local;
  process.stdout.write(`${count}\n`);
}
