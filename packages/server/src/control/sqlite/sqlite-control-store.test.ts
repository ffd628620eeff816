import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeControlContract } from "../control-store.contract.ts";
import type { ControlStore } from "../control-store.ts";
import { openSqliteControlStore } from "./open-sqlite-control-store.ts";

describeControlContract("SQLite in a file", {
  open: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "synchro-control-"));
    const opened: ControlStore[] = [];
    const beside = async (): Promise<ControlStore> => {
      const store = await openSqliteControlStore({ dataDir });
      opened.push(store);
      return store;
    };
    return {
      store: await beside(),
      beside,
      dispose: async () => {
        for (const store of opened) await store.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
