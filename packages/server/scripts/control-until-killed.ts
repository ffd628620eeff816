// A program for tests to kill, or to run beside others like it: opens a control store and makes
// spaces, invitations and devices, noting in a file what was acknowledged.
//
//   node --conditions=source packages/server/scripts/control-until-killed.ts DATA_DIR NOTES_FILE NAME COUNT
//
// NAME parts what this run makes from what others make. Each note is one line of JSON: {"open":NAME}
// once, then {"space":ID} or {"device":ID} when the call that made it had resolved.
import { appendFileSync } from "node:fs";
import { addMicros, type SpaceId } from "@synchro/core";
import type { Grants } from "../src/access/grants.ts";
import type { DeviceId } from "../src/control/control-store.ts";
import { openSqliteControlStore } from "../src/control/sqlite/open-sqlite-control-store.ts";
import { systemRuntime } from "../src/system-runtime.ts";

const [dataDir = "", notesFile = "", name = "a", count = "1"] = process.argv.slice(2);

const note = (line: object): void => appendFileSync(notesFile, `${JSON.stringify(line)}\n`);

const store = await openSqliteControlStore({ dataDir });
note({ open: name });

for (let number = 0; number < Number(count); number += 1) {
  const now = systemRuntime.now();
  const by = { actor: name, now };
  const space = `${name}-${number}` as SpaceId;
  await store.createSpace({ id: space, title: "a title", recordsMax: number }, by);
  note({ space });
  const grants: Grants = new Map([[space, "write"]]);
  const codeHash = `code-${space}`;
  const expiresAt = addMicros(now, 60_000_000);
  const invitation = { codeHash, grants, label: "", usesLeft: 1, createdAt: now, expiresAt };
  await store.createInvitation(invitation, by);
  const device = `d_${space}` as DeviceId;
  await store.admit({ codeHash, secretHash: space, name: "x" }, device, now);
  note({ device });
  await store.readAccess();
}
await store.close();
