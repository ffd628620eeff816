// The same as bench/clients/query-synchro.ts with PouchDB, which has no live queries: an index, and the
// query anew at each change. FOLDER PORT CHANGES some|all.
import { join } from "node:path";
import PouchDB from "pouchdb";
import memory from "pouchdb-adapter-memory";
import find from "pouchdb-find";
import { reportRun, tellStep } from "../clients/report-run.ts";

const [folder, port, changes, which] = process.argv.slice(2);
PouchDB.plugin(memory);
PouchDB.plugin(find);

const database = new PouchDB(join(folder, "client"), { adapter: "memory" });
const remote = `http://127.0.0.1:${port}/bench`;
await database.replicate.from(remote, { batch_size: 1_000 });
await database.createIndex({ index: { fields: ["quantity"] } });
const query = {
  selector: { quantity: which === "all" ? { $gte: 0 } : { $lt: 10 } },
  sort: ["quantity"],
  limit: 1_000_000,
};
await database.find(query);

let heard = 0;
let onChange = () => {};
await new Promise((resolve) => {
  database.replicate.from(remote, { live: true }).on("paused", resolve);
});
database.changes({ live: true, since: "now" }).on("change", async () => {
  await database.find(query);
  onChange();
});
// Nothing says when it listens.
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
