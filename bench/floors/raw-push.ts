// The floor of a durable push: a loop without HTTP that parses the bodies that Synchro gets, reads
// the stored versions, compares the stamps and writes into the same tables with the same durability,
// one body a commit. No validation, no digests, no evidence, no limits, nobody to answer.
//
// Driven over IPC: `{ batches, batch }` makes as many new bodies, then answers with the seconds that
// their pushes took, and those of the processor.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type KeyOrder, numberSource, syncBody } from "../load/sample-records.ts";
import { migrations } from "../../packages/server/src/store/sqlite/schema.ts";

type Change = {
  readonly key: string;
  readonly updated_at: string;
  readonly value: unknown;
};

const BLOCK_ROWS = 32;
const COLUMNS = "collection, key, seq, stamp, value";
const insertSql = (rows: number): string =>
  `INSERT INTO records (${COLUMNS}) VALUES ${Array.from({ length: rows }, () => "(1, ?, ?, ?, ?)").join(", ")}`;

const [folder = "", keys = ""] = process.argv.slice(2);
const database = new DatabaseSync(join(folder, "raw.db"));
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4096;
  PRAGMA cache_size = -65536;
`);
for (const migration of migrations) database.exec(migration);
database.exec("INSERT INTO spaces (id, name, head, floor) VALUES (1, 'default', 0, 0)");

// The quickest ways there are: one statement that finds a whole batch, many rows an insert.
const find = database.prepare(
  `SELECT records.key, stamp, records.id FROM json_each(?) AS wanted
   CROSS JOIN records INDEXED BY records_by_key
   ON records.collection = 1 AND records.key = wanted.value`,
);
find.setReturnArrays(true);
const insertBlock = database.prepare(insertSql(BLOCK_ROWS));
const insertOne = database.prepare(insertSql(1));
const update = database.prepare("UPDATE records SET seq = ?, stamp = ?, value = ? WHERE id = ?");
const saveHead = database.prepare("UPDATE spaces SET head = ? WHERE id = 1");

let head = 0;

const push = (body: Buffer): void => {
  const { changes } = JSON.parse(body.toString("utf8")) as { readonly changes: readonly Change[] };
  database.exec("BEGIN IMMEDIATE");
  const wanted = JSON.stringify(changes.map(({ key }) => key));
  const rows = find.all(wanted) as unknown as readonly (readonly [string, string, number])[];
  const stored = new Map(rows.map(([key, stamp, id]) => [key, { stamp, id }]));
  const added: (readonly (string | number)[])[] = [];
  for (const { key, updated_at: stamp, value } of changes) {
    const known = stored.get(key);
    if (known !== undefined && known.stamp >= stamp) continue;
    head += 1;
    if (known === undefined) added.push([key, head, stamp, JSON.stringify(value)]);
    else update.run(head, stamp, JSON.stringify(value), known.id);
  }
  const inBlocks = added.length - (added.length % BLOCK_ROWS);
  for (let index = 0; index < inBlocks; index += BLOCK_ROWS) {
    insertBlock.run(...added.slice(index, index + BLOCK_ROWS).flat());
  }
  for (const row of added.slice(inBlocks)) insertOne.run(...row);
  saveHead.run(head);
  database.exec("COMMIT");
};

const takeNumbers = numberSource();

process.on(
  "message",
  ({ batches, batch }: { readonly batches: number; readonly batch: number }) => {
    const bodies = Array.from({ length: batches }, () =>
      Buffer.from(syncBody(takeNumbers(batch), keys as KeyOrder)),
    );
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (const body of bodies) push(body);
    const seconds = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    process.send?.({ seconds, cpuSeconds: (user + system) / 1e6, head });
  },
);
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
