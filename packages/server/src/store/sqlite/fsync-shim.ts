import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Compiles `fsync-shim.c` and returns the library to name in `LD_PRELOAD`: for tests and benchmarks
 * that need a disk which is slow, is watched, or fails. Throws, with the command that helps, where
 * there is no compiler.
 */
export const buildFsyncShim = (): string => {
  const library = join(mkdtempSync(join(tmpdir(), "synchro-fsync-")), "fsync-shim.so");
  const source = join(import.meta.dirname, "fsync-shim.c");
  const gcc = spawnSync("gcc", ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], {
    encoding: "utf8",
  });
  if (gcc.error !== undefined) {
    throw new Error("gcc is missing: sudo apt-get install -y gcc libc6-dev", { cause: gcc.error });
  }
  if (gcc.status !== 0) throw new Error(`gcc could not compile ${source}:\n${gcc.stderr}`);
  return library;
};
