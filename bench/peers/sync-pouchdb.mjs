// PouchDB's first sync from its own server: FOLDER PORT memory|leveldb BATCH. Until its replication
// has read all.
import { join } from "node:path";
import PouchDB from "pouchdb";
import memory from "pouchdb-adapter-memory";
import { reportRun } from "../clients/report-run.ts";

const [folder, port, adapter, batch] = process.argv.slice(2);
PouchDB.plugin(memory);

let database;

const sync = async () => {
  database = new PouchDB(join(folder, "client"), { adapter });
  await database.replicate.from(`http://127.0.0.1:${port}/bench`, { batch_size: Number(batch) });
};

await reportRun(sync, async () => (await database.info()).doc_count);
