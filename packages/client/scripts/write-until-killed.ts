import { appendFileSync } from "node:fs";
import type { CollectionName, Stamp } from "@synchro/core";
import { recordEdits } from "../src/outbox/record-edits.ts";
import { openNodeSqliteStore } from "../src/store/node-sqlite/open-node-sqlite-store.ts";

/**
 * Writes one transaction after another, and notes each once it was answered: `path notes`. Transaction
 * n sets the generation, ten records and an edit to n, so that half of one would show.
 */
const [path = "", notes = ""] = process.argv.slice(2);
const collection = "readings" as CollectionName;
const stamp = "2026-11-24T10:00:00.000000Z" as Stamp;

const store = await openNodeSqliteStore({ path, createClientId: () => "c_1" });
for (;;) {
  const written = await store.transact(
    async (transaction) => {
      const { generation } = await transaction.getMeta(["generation"]);
      const seq = generation + 1;
      // Large enough that the log is brought into the file again and again.
      const value = JSON.stringify({ seq, note: "x".repeat(seq % 7 === 0 ? 20_000 : 200) });
      const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
      await transaction.putRecords(
        keys.map((key) => ({ collection, key, seq, stamp, value, author: null, mark: seq })),
      );
      await transaction.putMeta({ generation: seq });
      await recordEdits(transaction, [
        { collection, key: `e${seq}`, value, author: null, editedAt: stamp, schemaVersion: 1 },
      ]);
      return seq;
    },
    process.argv[4] === "relaxed" ? "relaxed" : "strict",
  );
  appendFileSync(notes, `${written}\n`);
}
