import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresAccount } from "./postgres-program.ts";

const PREFIX = "synchro-postgres-";

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** The server over a folder, if that process is still it. */
const serverOver = (data: string): number | null => {
  try {
    const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data) ? pid : null;
  } catch {
    return null;
  }
};

/** Removes what tests that were killed have left: folders whose maker is gone, and servers over them. */
const removeLeftovers = (): void => {
  for (const name of readdirSync(tmpdir())) {
    const maker = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (maker === undefined || isAlive(Number(maker))) continue;
    const folder = join(tmpdir(), name);
    try {
      const pid = serverOver(join(folder, "data"));
      if (pid !== null) process.kill(pid, "SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another user's, or another process is removing it: not ours to worry about.
    }
  }
};

/** An empty folder for one server, which is its user's; `remove` it in the end. */
export const makeGround = (): { readonly folder: string; readonly remove: () => void } => {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const account = postgresAccount();
  if (account !== null) chownSync(folder, account.uid, account.gid);
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
};
